//! `mock`: the platform says that an app made the fix.
//!
//! Android marks locations of a mock provider, iOS simulated ones. Such a fix is dropped; a trace is
//! rejected above a fifth of them ([`Rules::mock_share_ppm`](crate::Rules)), since a test tool left
//! on for a moment is honest and a mocked drive is not.

use hexmile_trace::Fix;

use crate::Reason;

pub(crate) fn mark(fixes: &[Fix], fates: &mut [Option<Reason>]) {
    for (fix, fate) in fixes.iter().zip(fates) {
        if fix.is_mock() {
            *fate = Some(Reason::Mock);
        }
    }
}
