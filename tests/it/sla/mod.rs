//! What is promised about time: the arithmetic that everybody can ask for.

mod business_time;
