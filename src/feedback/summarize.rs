//! What many said, and how sure that is: figures with their 95 % confidence intervals.

use statrs::distribution::{ContinuousCDF as _, StudentsT};

use crate::configuration::FeedbackScale;

/// The normal distribution's quantile of 97.5 %.
const Z: f64 = 1.959_963_984_540_054;

/// A figure with the ends of its interval; `None`: one answer says nothing of how answers vary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub interval: Option<(f64, f64)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub scale: FeedbackScale,
    pub asked: i64,
    pub answered: i64,
    pub response_rate: Option<Estimate>,
    pub mean: Option<Estimate>,
    /// Each score of the scale, from the lowest, and how often it was given.
    pub scores: Vec<(i32, i64)>,
    /// Of CSAT.
    pub satisfied_share: Option<Estimate>,
    /// Of NPS.
    pub net_promoter_score: Option<Estimate>,
}

/// Whether it counts as satisfied, by CSAT.
pub fn is_satisfied(score: i32) -> bool {
    score >= 4
}

/// What an answer adds to the net promoter score, by NPS.
pub fn promotion(score: i64) -> i64 {
    match score {
        9.. => 100,
        7..=8 => 0,
        _ => -100,
    }
}

fn promoted(score: i32) -> f64 {
    promotion(score.into()) as f64
}

/// Sums up how often each score was given, and how often none (`None`).
pub fn summarize(scale: FeedbackScale, counts: &[(Option<i32>, i64)]) -> Summary {
    let of =
        |wanted| counts.iter().filter(|(score, _)| *score == wanted).map(|(_, count)| count).sum::<i64>();
    let asked = counts.iter().map(|(_, count)| count).sum();
    let scores: Vec<(i32, i64)> = scale.scores().map(|score| (score, of(Some(score)))).collect();
    let answered = scores.iter().map(|(_, count)| count).sum();
    let (low, high) = (f64::from(*scale.scores().start()), f64::from(*scale.scores().end()));
    let satisfied = scores.iter().filter(|(score, _)| is_satisfied(*score)).map(|(_, count)| count).sum();
    let each =
        |of: fn(i32) -> f64| scores.iter().map(|(score, count)| (of(*score), *count)).collect::<Vec<_>>();
    Summary {
        scale,
        asked,
        answered,
        response_rate: share(answered, asked),
        mean: mean(&each(f64::from), (low, high)),
        satisfied_share: share(satisfied, answered).filter(|_| scale == FeedbackScale::Csat),
        net_promoter_score: mean(&each(promoted), (-100.0, 100.0)).filter(|_| scale == FeedbackScale::Nps),
        scores,
    }
}

/// A share with Wilson's interval, which holds for few and for all or none.
fn share(part: i64, whole: i64) -> Option<Estimate> {
    if whole == 0 {
        return None;
    }
    #[allow(clippy::cast_precision_loss)] // fewer than 2^53
    let (n, value) = (whole as f64, part as f64 / whole as f64);
    let middle = (value + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let reach = Z / (1.0 + Z * Z / n) * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
    // No rounding puts the share outside of its own interval.
    let interval = ((middle - reach).clamp(0.0, value), (middle + reach).clamp(value, 1.0));
    Some(Estimate { value, interval: Some(interval) })
}

/// A mean with Student's interval, within what can be.
fn mean(values: &[(f64, i64)], (lowest, highest): (f64, f64)) -> Option<Estimate> {
    let n: i64 = values.iter().map(|(_, count)| count).sum();
    if n == 0 {
        return None;
    }
    #[allow(clippy::cast_precision_loss)] // fewer than 2^53
    let weighted =
        |of: &dyn Fn(f64) -> f64| values.iter().map(|(value, count)| of(*value) * *count as f64).sum::<f64>();
    #[allow(clippy::cast_precision_loss)]
    let count = n as f64;
    let value = weighted(&|it| it) / count;
    let interval = StudentsT::new(0.0, 1.0, count - 1.0).ok().map(|student| {
        let deviation = (weighted(&|it| (it - value).powi(2)) / (count - 1.0)).sqrt();
        let reach = student.inverse_cdf(0.975) * deviation / count.sqrt();
        ((value - reach).max(lowest), (value + reach).min(highest))
    });
    Some(Estimate { value, interval })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(found: f64, wanted: f64) -> bool {
        (found - wanted).abs() < 5e-4
    }

    #[test]
    fn figures_are_those_of_the_textbook() {
        // Wilson: 8 of 10 is 0.8 (0.490, 0.943); all of 10 reaches down to 0.722.
        let eight = share(8, 10).expect("a share");
        let (low, high) = eight.interval.expect("an interval");
        assert!(near(eight.value, 0.8) && near(low, 0.4902) && near(high, 0.9433), "{eight:?}");
        let (low, high) = share(10, 10).and_then(|it| it.interval).expect("an interval");
        assert!(near(low, 0.7225) && near(high, 1.0), "{low} {high}");
        // Student with four degrees of freedom, t = 2.7764: 3 ± 2.7764 × √2.5 ÷ √5.
        let each = mean(&[1.0, 2.0, 3.0, 4.0, 5.0].map(|score| (score, 1)), (1.0, 5.0)).expect("a mean");
        let (low, high) = each.interval.expect("an interval");
        assert!(near(each.value, 3.0) && near(low, 1.0368) && near(high, 4.9632), "{each:?}");
        assert_eq!(mean(&[(4.0, 1)], (1.0, 5.0)), Some(Estimate { value: 4.0, interval: None }));
    }

    #[test]
    fn a_summary_has_what_its_scale_says() {
        let csat = summarize(FeedbackScale::Csat, &[(None, 5), (Some(5), 2), (Some(3), 1)]);
        assert_eq!((csat.asked, csat.answered), (8, 3));
        assert_eq!(csat.scores, [(1, 0), (2, 0), (3, 1), (4, 0), (5, 2)]);
        assert!(csat.satisfied_share.is_some_and(|it| near(it.value, 2.0 / 3.0)));
        assert_eq!(csat.net_promoter_score, None);
        let nps = summarize(FeedbackScale::Nps, &[(Some(10), 3), (Some(9), 1), (Some(7), 4), (Some(6), 2)]);
        assert!(nps.net_promoter_score.is_some_and(|it| near(it.value, 20.0)));
        assert_eq!(nps.satisfied_share, None);
        let nobody = summarize(FeedbackScale::Ces, &[]);
        assert_eq!((nobody.response_rate, nobody.mean, nobody.scores.len()), (None, None, 7));
    }

    proptest! {
        /// A figure lies within its interval, and that within what can be.
        #[test]
        fn intervals_hold_their_figures(counts in prop::collection::vec(0..5000_i64, 12)) {
            for scale in [FeedbackScale::Csat, FeedbackScale::Nps, FeedbackScale::Ces] {
                let given = scale.scores().map(Some).chain([None]).zip(counts.iter().copied());
                let summary = summarize(scale, &given.collect::<Vec<_>>());
                let (low, high) = (f64::from(*scale.scores().start()), f64::from(*scale.scores().end()));
                for (estimate, (least, most)) in [
                    (summary.response_rate, (0.0, 1.0)),
                    (summary.satisfied_share, (0.0, 1.0)),
                    (summary.mean, (low, high)),
                    (summary.net_promoter_score, (-100.0, 100.0)),
                ] {
                    let Some(Estimate { value, interval }) = estimate else { continue };
                    prop_assert!((least..=most).contains(&value));
                    if let Some((low, high)) = interval {
                        prop_assert!(least <= low && low <= value && value <= high && high <= most, "{estimate:?}");
                    }
                }
            }
        }
    }
}
