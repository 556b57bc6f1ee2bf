//! Money: what work costs, told as signed differences, handed over by periods that are locked.

pub mod deltas;
pub mod rate;
#[cfg(test)]
mod tests;
