use heliograph_simulation::files::Files;
#[test]
fn seeds() {
    for (rate, n1, bytes) in [
        (9_600, 256, 100_000),
        (1_000_000, 1024, 1_000_000),
        (10_000_000, 2048, 3_000_000),
    ] {
        for loss in [0.01, 0.05, 0.1] {
            let mut v: Vec<(f64, u64)> = (1..=10)
                .map(|seed| {
                    let files = Files {
                        seed,
                        frame_loss: loss,
                        ..Files::new(rate, n1, bytes)
                    };
                    (files.deliver().unwrap().share() / (1.0 - loss), seed)
                })
                .collect();
            v.sort_by(|a, b| a.0.total_cmp(&b.0));
            println!(
                "{rate} {loss} {}",
                v.iter()
                    .map(|(s, n)| format!("{s:.3}/{n}"))
                    .collect::<Vec<_>>()
                    .join(" ")
            );
        }
    }
}
