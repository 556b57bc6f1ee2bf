//! Tables as the command line prints them.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

/// A table with this header; the columns at these places are of figures.
pub fn table<const N: usize>(header: [&str; N], right: &[usize]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    let cell = |(place, text): (usize, &&str)| {
        let side = if right.contains(&place) { CellAlignment::Right } else { CellAlignment::Left };
        Cell::new(text).set_alignment(side)
    };
    table.set_header(header.iter().enumerate().map(cell));
    for place in right {
        if let Some(column) = table.column_mut(*place) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A share in percent.
pub fn share(part: i64, whole: i64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}
