//! Plots of the link's figures for the documentation, as SVG.

use std::fs;
use std::path::Path;

use anyhow::{Context, Error, Result, anyhow};
use heliograph_simulation::saturation::{Bulk, Saturation};
use plotters::prelude::*;

use crate::section::Run;

const SIZE: (u32, u32) = (720, 360);
const MEASURED: RGBColor = RGBColor(31, 119, 180);
const THEORY: RGBColor = RGBColor(127, 127, 127);
const FONT: &str = "sans-serif";
const BIT_RATE_BPS: u64 = 9_600;
const N1: [usize; 6] = [64, 128, 256, 512, 1024, 2048];
const CREDITS: [usize; 8] = [1, 2, 3, 4, 5, 6, 7, 8];

type Points = Vec<(f64, f64)>;

/// A plot: what is measured as points, what it stands beside as a line.
struct Plot<'a> {
    title: &'a str,
    of: &'a str,
    unit: &'a str,
    to: (f64, f64),
    lines: Vec<Points>,
    points: Points,
}

/// Draws them, if they are wanted.
///
/// # Errors
/// When a link loses something, or a file cannot be written.
pub(super) fn draw(run: &Run) -> Result<()> {
    let Some(folder) = &run.plots else {
        return Ok(());
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    goodput(run)?.draw(&folder.join("link-goodput.svg"))?;
    answers(run)?.draw(&folder.join("link-answer.svg"))
}

fn goodput(run: &Run) -> Result<Plot<'static>> {
    let frames = run.choose(3_000, 300);
    let mut lines = Vec::new();
    let mut points = Points::new();
    for bulk in [Bulk::Datagrams, Bulk::Segments] {
        let mut line = Points::new();
        for n1 in N1 {
            let link = Saturation {
                bulk,
                ..Saturation::new(BIT_RATE_BPS, n1)
            };
            let found = link.goodput(frames).map_err(Error::msg)?;
            let share = |bytes_per_second: f64| bytes_per_second * 800.0 / BIT_RATE_BPS as f64;
            line.push((n1 as f64, share(link.best_bytes_per_second())));
            points.push((n1 as f64, share(found.bytes_per_second)));
        }
        lines.push(line);
    }
    Ok(Plot {
        title: "payload of the bit rate: datagrams of one packet (below), segments (above)",
        of: "N1, octets",
        unit: "%",
        to: (2_100.0, 100.0),
        lines,
        points,
    })
}

fn answers(run: &Run) -> Result<Plot<'static>> {
    let mut points = Points::new();
    for credits in CREDITS {
        let link = Saturation::new(BIT_RATE_BPS, 256).with_credits(credits);
        let waits = link.waits(run.choose(300, 30), 1).map_err(Error::msg)?;
        points.push((credits as f64, waits.median()));
        points.push((credits as f64, waits.max()));
    }
    let bound = |credits: usize| (credits as f64, credits as f64 + 1.0);
    Ok(Plot {
        title: "an answer of one frame under bulk data: median, worst, and credits + 1",
        of: "credits",
        unit: "frame times",
        to: (8.5, 10.0),
        lines: vec![CREDITS.map(bound).to_vec()],
        points,
    })
}

impl Plot<'_> {
    fn draw(&self, file: &Path) -> Result<()> {
        self.draw_to(file)
            .map_err(|error| anyhow!("cannot draw {}: {error}", file.display()))
    }

    fn draw_to(&self, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let area = SVGBackend::new(file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area)
            .caption(self.title, (FONT, 16))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60)
            .build_cartesian_2d(0.0..self.to.0, 0.0..self.to.1)?;
        chart
            .configure_mesh()
            .x_desc(self.of)
            .y_desc(self.unit)
            .draw()?;
        for line in &self.lines {
            chart.draw_series(LineSeries::new(line.iter().copied(), &THEORY))?;
        }
        let circles = self.points.iter();
        chart.draw_series(circles.map(|point| Circle::new(*point, 3, MEASURED.filled())))?;
        area.present()?;
        Ok(())
    }
}
