//! What a resolution costs, in cents: by the level that solved it, nothing where the plan has it included.

const EURO: i64 = 100;

pub fn price(plan: &str, level: &str) -> i64 {
    match (plan, level) {
        ("gold", _) => 0,
        (_, "L1") => 25 * EURO,
        (_, "L2") => 60 * EURO,
        _ => 120 * EURO,
    }
}
