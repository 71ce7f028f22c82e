//! A page of metrics in the Prometheus text exposition format 0.0.4.

use std::fmt::Write as _;

/// Content type of [`Page::finish`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page of metrics in the making.
///
/// Samples of one name stay together in the order of their first appearance,
/// as the format demands, in whatever order they are added.
///
/// ```
/// use service_host::prometheus::Page;
///
/// let mut page = Page::new();
/// page.counter("packets_total", "Packets seen.", &[("way", "up")], 3)
///     .counter("packets_total", "Packets seen.", &[("way", "down")], 5)
///     .gauge("queue_bytes", "Octets queued.", &[], 12.0);
/// let text = page.finish();
/// let lines: Vec<&str> = text.lines().collect();
/// assert_eq!(lines[1], "# TYPE packets_total counter");
/// assert_eq!(lines[2], "packets_total{way=\"up\"} 3");
/// assert_eq!(lines[3], "packets_total{way=\"down\"} 5");
/// assert_eq!(lines[6], "queue_bytes 12");
/// ```
#[derive(Debug, Default)]
pub struct Page {
    families: Vec<Family>,
    /// Before those of each sample.
    labels: Vec<(String, String)>,
}

/// All samples of one metric name.
#[derive(Debug)]
struct Family {
    name: String,
    help: String,
    kind: &'static str,
    samples: String,
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Samples that are added from now on have these labels, too.
    pub fn label(&mut self, labels: &[(&str, &str)]) -> &mut Self {
        let owned = |(label, value): &(&str, &str)| ((*label).to_owned(), (*value).to_owned());
        self.labels = labels.iter().map(owned).collect();
        self
    }

    /// Adds one sample of a counter: a number that only grows while the
    /// service runs. By convention its `name` ends in `_total`.
    ///
    /// `help` and the type of a name are those of its first sample.
    pub fn counter(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        value: u64,
    ) -> &mut Self {
        self.sample("counter", name, help, labels, &value.to_string())
    }

    /// Adds one sample of a gauge: a number that goes up and down.
    pub fn gauge(
        &mut self,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        value: f64,
    ) -> &mut Self {
        let value = if value.is_nan() {
            "NaN".to_owned()
        } else if value.is_infinite() {
            if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
        } else {
            value.to_string()
        };
        self.sample("gauge", name, help, labels, &value)
    }

    /// The page as text, each name with its HELP and TYPE line once.
    #[must_use]
    pub fn finish(&self) -> String {
        let mut text = String::new();
        for family in &self.families {
            // Writing to a string cannot fail, here and below.
            let _ = write!(
                text,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}",
                name = family.name,
                help = escaped(&family.help, false),
                kind = family.kind,
                samples = family.samples
            );
        }
        text
    }

    fn sample(
        &mut self,
        kind: &'static str,
        name: &str,
        help: &str,
        labels: &[(&str, &str)],
        value: &str,
    ) -> &mut Self {
        let mut line = name.to_owned();
        let of_page = self.labels.iter();
        let of_page = of_page.map(|(label, value)| (label.as_str(), value.as_str()));
        let labels: Vec<(&str, &str)> = of_page.chain(labels.iter().copied()).collect();
        if !labels.is_empty() {
            let pairs: Vec<String> = labels
                .iter()
                .map(|(label, value)| format!("{label}=\"{}\"", escaped(value, true)))
                .collect();
            let _ = write!(line, "{{{}}}", pairs.join(","));
        }
        let _ = writeln!(line, " {value}");

        match self.families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.samples.push_str(&line),
            None => self.families.push(Family {
                name: name.to_owned(),
                help: help.to_owned(),
                kind,
                samples: line,
            }),
        }
        self
    }
}

/// Escapes a help text or, with `quotes`, a label value.
fn escaped(text: &str, quotes: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '"' if quotes => out.push_str("\\\""),
            _ => out.push(c),
        }
    }
    out
}
