//! The metrics page.

use service_host::prometheus::Page;

#[test]
fn label_values_are_escaped() {
    let mut page = Page::new();
    page.counter("a_total", "A.", &[("l", "q\"b\\n\nä"), ("m", "")], 1);
    assert!(
        page.finish()
            .contains("\na_total{l=\"q\\\"b\\\\n\\nä\",m=\"\"} 1\n")
    );
}

#[test]
fn help_texts_are_escaped() {
    let mut page = Page::new();
    page.counter("a_total", "A \"b\"\n\\c.", &[], 1);
    assert!(
        page.finish()
            .starts_with("# HELP a_total A \"b\"\\n\\\\c.\n")
    );
}

#[test]
fn samples_of_a_name_stand_together_under_one_head() {
    let mut page = Page::new();
    page.counter("a_total", "A.", &[("x", "1")], 1)
        .gauge("b", "B.", &[], 0.5)
        .counter("a_total", "A.", &[("x", "2")], u64::MAX);
    assert_eq!(
        page.finish(),
        "# HELP a_total A.\n# TYPE a_total counter\n\
         a_total{x=\"1\"} 1\na_total{x=\"2\"} 18446744073709551615\n\
         # HELP b B.\n# TYPE b gauge\nb 0.5\n"
    );
}

#[test]
fn a_gauge_takes_every_float() {
    let mut page = Page::new();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e300] {
        page.gauge("a", "A.", &[], value);
    }
    let text = page.finish();
    let samples: Vec<&str> = text.lines().skip(2).collect();
    assert_eq!(samples[..3], ["a NaN", "a +Inf", "a -Inf"]);
    let parsed: f64 = samples[3].split(' ').next_back().unwrap().parse().unwrap();
    assert_eq!(parsed, -1e300);
}

#[test]
fn an_empty_page_is_empty() {
    assert_eq!(Page::new().finish(), "");
}
