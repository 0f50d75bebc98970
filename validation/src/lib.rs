//! Rules over one trace: what is kept, what is dropped and why, and whether the trace stands.
//!
//! This crate owns the judgement of recorded fixes: each rule is one file under `rules/`, with its
//! thresholds in [`Rules`] and its outcome in [`Reason`], whose codes are stable and reach the
//! driver's verdict, the metrics and the stored row alike. Being dropped or rejected is data, never
//! an error: [`assess`] takes any fixes and always answers.
//!
//! It must never know cells, tiles, tokens, accounts, stores or clocks: the same fixes under the same
//! rules have the same assessment on every machine and at every time.
//!
//! Start at [`assess`], then read one rule, for instance `rules/parked.rs`.
//!
//! ```
//! use hexmile_trace::{Fix, RawFix};
//! use hexmile_validation::{Rules, Verdict, assess};
//!
//! let fixes: Vec<Fix> = (0..10)
//!     .map(|i| {
//!         Fix::quantise(&RawFix {
//!             time_ms: 1_700_000_000_000 + i * 1000,
//!             latitude_deg: 48.0 + i as f64 * 1e-4,
//!             longitude_deg: 11.0,
//!             accuracy_m: Some(4.0),
//!             ..RawFix::default()
//!         })
//!     })
//!     .collect::<Result<_, _>>()?;
//! let assessment = assess(&fixes, &Rules::default());
//! assert_eq!(assessment.verdict(), Verdict::Accepted);
//! assert_eq!(assessment.kept(&fixes).count(), 10);
//! assert_eq!(assessment.distance_cm / 100, 100);
//! # Ok::<(), hexmile_trace::FixError>(())
//! ```

mod assess;
mod quality;
mod reason;
mod rules;
mod step;
mod track;

pub use assess::{Assessment, Verdict, assess};
pub use reason::{Dropped, Reason};
pub use rules::Rules;
