//! A chart of one table: a group of bars for each function, on a logarithmic scale.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use crate::table::Table;

const SIZE: (u32, u32) = (760, 380);
/// Native, Wasm, Lua; told apart by those who see no red or green too.
const COLOURS: [RGBColor; 3] = [
    RGBColor(0x88, 0x88, 0x88),
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xe6, 0x9f, 0x00),
];
/// How wide the bars of a function are together, of the room that it has.
const FILL: f64 = 0.78;

/// Draws a table.
///
/// # Errors
/// When the file cannot be written.
pub fn draw(table: &Table, title: &str, path: &Path) -> Result<()> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    plot(table, title, &area).map_err(|e| anyhow!("drawing {}: {e}", path.display()))
}

fn plot(
    table: &Table,
    title: &str,
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
) -> Result<(), Box<dyn std::error::Error>> {
    let times = || table.rows.iter().flat_map(|row| row.times.iter().flatten());
    let ns = |pick: fn(f64, f64) -> f64, start| times().fold(start, |t, cell| pick(t, cell.ns));
    let (low, high) = (ns(f64::min, f64::MAX) / 2.0, ns(f64::max, 0.0) * 2.0);
    let count = table.rows.len();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(32)
        .y_label_area_size(72)
        .build_cartesian_2d(-0.5..count as f64 - 0.5, (low..high).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .x_labels(count + 1)
        .light_line_style(TRANSPARENT)
        .x_label_formatter(&|x| {
            let row = table.rows.get(x.round() as usize);
            // There is no room for the module.
            let name = row.and_then(|row| row.title.rsplit('.').next());
            name.unwrap_or_default().to_owned()
        })
        .y_desc("ns a record, less is better")
        .y_label_formatter(&|ns| format!("{ns}"))
        .label_style(("sans-serif", 13))
        .draw()?;
    let width = FILL / table.forms.len() as f64;
    for (form, name) in table.forms.iter().enumerate() {
        let colour = COLOURS[form % COLOURS.len()];
        let bars = table.rows.iter().enumerate().filter_map(|(at, row)| {
            let left = at as f64 - FILL / 2.0 + form as f64 * width;
            let ns = row.times[form].as_ref()?.ns;
            let corners = [(left, low), (left + width * 0.92, ns)];
            Some(Rectangle::new(corners, colour.filled()))
        });
        chart
            .draw_series(bars)?
            .label(*name)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 12, y + 5)], colour.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .label_font(("sans-serif", 13))
        .background_style(WHITE.mix(0.8))
        .draw()?;
    area.present()?;
    Ok(())
}
