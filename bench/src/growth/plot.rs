//! Plots for the documentation, as SVG.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use plotters::prelude::*;

use super::Point;

const SIZE: (u32, u32) = (720, 360);
const LINE: RGBColor = RGBColor(31, 119, 180);
/// Of what stands beside it.
const FLOOR: RGBColor = RGBColor(140, 140, 140);
const FONT: &str = "sans-serif";

/// What stands in a plot.
#[derive(Debug)]
pub(crate) struct Plot {
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    /// What is counted along the axis.
    pub(crate) of: &'static str,
    pub(crate) unit: &'static str,
    /// From this number on costs are compared.
    pub(crate) from: f64,
}

pub(crate) const PORTS: Plot = Plot {
    file: "growth-ports.svg",
    title: "CPU per packet up, by ports",
    of: "destination ports",
    unit: "us/packet",
    from: 1.0,
};
pub(crate) const DOWNLINKS: Plot = Plot {
    file: "growth-downlinks.svg",
    title: "CPU per packet down, by downlinks",
    of: "downlinks",
    unit: "us/packet",
    from: 1.0,
};
pub(crate) const MESSAGE: Plot = Plot {
    file: "growth-message.svg",
    title: "time per octet, by size of the answer",
    of: "octets",
    unit: "ns/octet",
    from: super::MESSAGE_BYTES_LARGE as f64,
};
pub(crate) const QUEUE: Plot = Plot {
    file: "growth-queue.svg",
    title: "time per message in and out, by depth of the queue",
    of: "messages waiting",
    unit: "ns/message",
    from: super::QUEUED_MANY as f64,
};

impl Plot {
    /// Draws the points into its file in `folder`; the bars go from the least to the
    /// most of the rounds.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn draw(&self, folder: &Path, points: &[Point]) -> Result<()> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let file = folder.join(self.file);
        self.draw_into(&file, points)
            .map_err(|error| anyhow!("cannot draw {}: {error}", file.display()))
    }

    fn draw_into(
        &self,
        file: &Path,
        points: &[Point],
    ) -> Result<(), Box<dyn std::error::Error + '_>> {
        let first = points.first().map_or(1.0, |point| point.number);
        let last = points.last().map_or(2.0, |point| point.number);
        let highest = points
            .iter()
            .map(|point| point.cost.max)
            .fold(0.0, f64::max);
        // A cost that falls steeply is seen along powers of ten, others from zero.
        let lowest = points
            .iter()
            .map(|point| point.cost.min)
            .fold(f64::MAX, f64::min);
        let area = SVGBackend::new(file, SIZE).into_drawing_area();
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&area);
        chart
            .caption(self.title, (FONT, 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(60);
        let along = (first..last).log_scale().base(2.0);
        macro_rules! draw {
            ($up:expr) => {{
                let mut chart = chart.build_cartesian_2d(along, $up)?;
                chart
                    .configure_mesh()
                    .x_desc(self.of)
                    .y_desc(self.unit)
                    .x_label_formatter(&|number| format!("{number:.0}"))
                    .light_line_style(WHITE)
                    .draw()?;
                let floor = points.iter();
                let floor = floor.filter_map(|p| Some((p.number, p.floor?.median)));
                chart.draw_series(LineSeries::new(floor, FLOOR.stroke_width(2)))?;
                let line = points.iter().map(|p| (p.number, p.cost.median));
                chart.draw_series(LineSeries::new(line, LINE.stroke_width(2)))?;
                chart.draw_series(
                    points
                        .iter()
                        .map(|p| Circle::new((p.number, p.cost.median), 3, LINE.filled())),
                )?;
                chart.draw_series(points.iter().map(|p| {
                    let ends = vec![(p.number, p.cost.min), (p.number, p.cost.max)];
                    PathElement::new(ends, LINE.stroke_width(1))
                }))?;
            }};
        }
        match highest / lowest > 20.0 {
            true => draw!((lowest * 0.8..highest * 1.2).log_scale()),
            false => draw!(0.0..highest * 1.2),
        }
        area.present()?;
        Ok(())
    }
}
