//! What a file promises on its way down.
use heliograph_simulation::files::Files;

#[test]
fn table() {
    for (rate, n1, bytes) in [
        (9_600, 256, 1_000_000),
        (1_000_000, 1024, 2_000_000),
        (10_000_000, 2048, 4_000_000),
    ] {
        for loss in [0.0, 0.01, 0.05, 0.1] {
            let t = std::time::Instant::now();
            let files = Files {
                frame_loss: loss,
                ..Files::new(rate, n1, bytes)
            };
            match files.deliver() {
                Ok(found) => {
                    println!(
                        "{rate:>9} {n1:>5} {loss:.2} share {:.4} goal {:.4} of(1-p) {:.4} contact {:?} idle {:?} passes {} again {} dup {} took {:?}",
                        found.share(),
                        if loss == 0.0 {
                            0.97
                        } else {
                            0.95 * (1.0 - loss)
                        },
                        found.share() / (1.0 - loss),
                        found.contact,
                        found.idle,
                        found.passes,
                        found.data_again,
                        found.duplicates,
                        t.elapsed()
                    );
                    if std::env::var("TL").is_ok() {
                        println!("{}", found.timeline.join("\n"));
                    }
                }
                Err(text) => println!("{rate} {loss} {text}"),
            }
        }
    }
}
