//! The ledger: append-only, double-entry, in units of 1e-6 token.
//!
//! Every entry moves an amount from the account that it debits to the one that it credits, so the
//! balances of all accounts always sum to zero. The reserve stands for what the network has not given
//! out: it starts at zero, and what it has below is what drivers and open pools have.

use core::{fmt, str::FromStr};
use std::collections::BTreeMap;

use hexmile_trace::AccountId;

use crate::RegionId;

/// First amount that no entry can have.
pub const AMOUNT_END: u64 = 1 << 63;

/// Whose balance an entry moves.
///
/// As text: `reserve`, `pool/<epoch>/<region>`, `driver/<account>`, `erased/<epoch>/<place>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LedgerAccount {
    /// What has not been given out.
    Reserve,
    /// What a region pays out in an epoch; empty when the epoch is closed.
    Pool {
        /// The epoch.
        epoch: u64,
        /// The region.
        region: RegionId,
    },
    /// What a driver's account has earned.
    Driver(AccountId),
    /// What an account that was erased had earned in an epoch: one name for each epoch, so that
    /// nothing connects them.
    Erased {
        /// The epoch.
        epoch: u64,
        /// Place of its score among those of the epoch, from 0.
        place: u64,
    },
}

/// Text that is no ledger account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected `reserve`, `pool/<epoch>/<region>`, `driver/<account>` or `erased/<epoch>/<place>`"
)]
pub struct ParseLedgerAccountError;

impl fmt::Display for LedgerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reserve => f.write_str("reserve"),
            Self::Pool { epoch, region } => write!(f, "pool/{epoch}/{}", region.0),
            Self::Driver(account) => write!(f, "driver/{account}"),
            Self::Erased { epoch, place } => write!(f, "erased/{epoch}/{place}"),
        }
    }
}

impl FromStr for LedgerAccount {
    type Err = ParseLedgerAccountError;

    fn from_str(s: &str) -> Result<Self, ParseLedgerAccountError> {
        let mut parts = s.splitn(3, '/');
        let parsed = match (parts.next(), parts.next(), parts.next()) {
            (Some("reserve"), None, None) => Some(Self::Reserve),
            (Some("pool"), Some(epoch), Some(region)) => (epoch.parse().ok())
                .zip(region.parse().ok())
                .map(|(epoch, region)| Self::Pool { epoch, region: RegionId(region) }),
            (Some("driver"), Some(account), None) => account.parse().ok().map(Self::Driver),
            (Some("erased"), Some(epoch), Some(place)) => (epoch.parse().ok())
                .zip(place.parse().ok())
                .map(|(epoch, place)| Self::Erased { epoch, place }),
            _ => None,
        };
        // One account has one text: no signs, no leading zeros.
        parsed.filter(|account| account.to_string() == s).ok_or(ParseLedgerAccountError)
    }
}

/// One movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The epoch that booked it.
    pub epoch: u64,
    /// Its place among the entries of the epoch, from 0 without gaps.
    pub index: u32,
    /// The account that gives.
    pub debit: LedgerAccount,
    /// The account that gets.
    pub credit: LedgerAccount,
    /// 1e-6 token, 1 to 2^63 - 1.
    pub amount: u64,
}

/// What is wrong with a ledger, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ledger entry {index} of epoch {epoch}: {fault}")]
pub struct LedgerError {
    /// Epoch of the entry.
    pub epoch: u64,
    /// Index of the entry.
    pub index: u32,
    /// What is wrong.
    pub fault: LedgerFault,
}

/// What can be wrong with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerFault {
    /// Its epoch or index does not follow from the entry before.
    #[error("does not follow the entry before it")]
    Sequence,
    /// Its amount is zero, or 2^63 or more.
    #[error("the amount is not from 1 to 2^63 - 1")]
    Amount,
    /// A movement between accounts that none is made between.
    #[error("moves between accounts that nothing is moved between")]
    Route,
    /// A pool gives more than it has.
    #[error("the pool gives more than it has")]
    Overdrawn,
    /// It is the last of an epoch whose pools are not empty.
    #[error("the epoch ends with a pool that is not empty")]
    PoolNotEmpty,
}

/// Balances by account, in 1e-6 token; those that are zero are left out. They sum to zero.
pub type Balances = BTreeMap<LedgerAccount, i128>;

/// Checks the entries of whole epochs, in the order they were booked, from any epoch on, and adds them up.
///
/// # Errors
/// The first entry that breaks an invariant.
pub fn verify(entries: &[Entry]) -> Result<Balances, LedgerError> {
    let mut balances = Balances::new();
    let mut last: Option<&Entry> = None;
    for entry in entries {
        let refuse = |fault| LedgerError { epoch: entry.epoch, index: entry.index, fault };
        if let Some(ended) = last.filter(|last| last.epoch < entry.epoch) {
            check_ended(ended, &balances)?;
        }
        if !entry.follows(last) {
            return Err(refuse(LedgerFault::Sequence));
        }
        if entry.amount == 0 || entry.amount >= AMOUNT_END {
            return Err(refuse(LedgerFault::Amount));
        }
        if !entry.is_routed() {
            return Err(refuse(LedgerFault::Route));
        }
        let amount = i128::from(entry.amount);
        let left = change(&mut balances, entry.debit, -amount);
        if left < 0 && entry.debit != LedgerAccount::Reserve {
            return Err(refuse(LedgerFault::Overdrawn));
        }
        change(&mut balances, entry.credit, amount);
        last = Some(entry);
    }
    if let Some(ended) = last {
        check_ended(ended, &balances)?;
    }
    Ok(balances)
}

/// Adds to a balance and returns it; a zero balance is not kept.
fn change(balances: &mut Balances, account: LedgerAccount, by: i128) -> i128 {
    let balance = balances.entry(account).or_default();
    *balance += by;
    let left = *balance;
    if left == 0 {
        balances.remove(&account);
    }
    left
}

fn check_ended(last: &Entry, balances: &Balances) -> Result<(), LedgerError> {
    let first = LedgerAccount::Pool { epoch: 0, region: RegionId(0) };
    let end = LedgerAccount::Driver(AccountId([0; 16]));
    if balances.range(first..end).next().is_some() {
        let fault = LedgerFault::PoolNotEmpty;
        return Err(LedgerError { epoch: last.epoch, index: last.index, fault });
    }
    Ok(())
}

impl Entry {
    fn follows(&self, last: Option<&Self>) -> bool {
        match last {
            Some(last) if last.epoch == self.epoch => Some(self.index) == last.index.checked_add(1),
            Some(last) => last.epoch < self.epoch && self.index == 0,
            None => self.index == 0,
        }
    }

    /// Reserve to a pool of this epoch, and from that to drivers and back to the reserve.
    fn is_routed(&self) -> bool {
        use LedgerAccount::{Driver, Erased, Pool, Reserve};
        match (self.debit, self.credit) {
            (Pool { epoch, .. }, Erased { epoch: earned, .. }) => {
                epoch == self.epoch && earned == epoch
            }
            (Reserve, Pool { epoch, .. }) | (Pool { epoch, .. }, Reserve | Driver(_)) => {
                epoch == self.epoch
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIVER: LedgerAccount = LedgerAccount::Driver(AccountId([9; 16]));

    fn pool(epoch: u64) -> LedgerAccount {
        LedgerAccount::Pool { epoch, region: RegionId(0) }
    }

    fn erased(epoch: u64, place: u64) -> LedgerAccount {
        LedgerAccount::Erased { epoch, place }
    }

    fn entry(
        (epoch, index): (u64, u32),
        debit: LedgerAccount,
        credit: LedgerAccount,
        amount: u64,
    ) -> Entry {
        Entry { epoch, index, debit, credit, amount }
    }

    fn two_epochs() -> Vec<Entry> {
        vec![
            entry((1, 0), LedgerAccount::Reserve, pool(1), 100),
            entry((1, 1), pool(1), DRIVER, 60),
            entry((1, 2), pool(1), LedgerAccount::Reserve, 40),
            entry((3, 0), LedgerAccount::Reserve, pool(3), 5),
            entry((3, 1), pool(3), DRIVER, 5),
        ]
    }

    #[test]
    fn balances_sum_to_zero() {
        let balances = verify(&two_epochs()).unwrap();
        assert_eq!(balances.values().sum::<i128>(), 0);
        assert_eq!(balances[&DRIVER], 65);
        assert_eq!(balances[&LedgerAccount::Reserve], -65);
        assert_eq!(balances.len(), 2);
        assert_eq!(verify(&[]), Ok(Balances::new()));
    }

    #[test]
    fn an_erased_driver_leaves_a_ledger_that_adds_up() {
        let mut entries = two_epochs();
        entries[1].credit = erased(1, 4);
        entries[4].credit = erased(3, 0);
        let balances = verify(&entries).unwrap();
        assert_eq!(balances[&erased(1, 4)], 60);
        assert_eq!(balances[&erased(3, 0)], 5);
        assert_eq!(balances.values().sum::<i128>(), 0);
    }

    #[test]
    fn each_fault_is_found_where_it_is() {
        let check = |change: fn(&mut Vec<Entry>), at: (u64, u32), fault: LedgerFault| {
            let mut entries = two_epochs();
            change(&mut entries);
            let want = LedgerError { epoch: at.0, index: at.1, fault };
            assert_eq!(verify(&entries), Err(want));
        };
        check(|e| e.rotate_left(1), (1, 1), LedgerFault::Sequence);
        check(|e| e.swap(1, 2), (1, 2), LedgerFault::Sequence);
        check(|e| e.swap(3, 4), (3, 1), LedgerFault::Sequence);
        check(|e| e[3].epoch = 0, (0, 0), LedgerFault::Sequence);
        check(|e| e[1].amount = 0, (1, 1), LedgerFault::Amount);
        check(|e| e[1].amount = AMOUNT_END, (1, 1), LedgerFault::Amount);
        check(|e| e[1].debit = LedgerAccount::Reserve, (1, 1), LedgerFault::Route);
        check(|e| e[4].debit = pool(1), (3, 1), LedgerFault::Route);
        check(|e| e[1].debit = DRIVER, (1, 1), LedgerFault::Route);
        check(|e| e[1].credit = erased(3, 0), (1, 1), LedgerFault::Route);
        check(|e| e[0].credit = erased(1, 0), (1, 0), LedgerFault::Route);
        check(|e| e[1].amount = 61, (1, 2), LedgerFault::Overdrawn);
        check(|e| e[2].amount = 39, (1, 2), LedgerFault::PoolNotEmpty);
        check(|e| e[4].amount = 4, (3, 1), LedgerFault::PoolNotEmpty);
    }

    #[test]
    fn accounts_have_one_text() {
        let driver = format!("driver/{}", AccountId([0xab; 16]));
        for text in ["reserve", "pool/18446744073709551615/7", &driver, "erased/7/0"] {
            assert_eq!(text.parse::<LedgerAccount>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "Reserve",
            "reserve/",
            "pool/1",
            "pool/01/2",
            "pool/+1/2",
            "pool/1/2/3",
            "driver/ab",
            "erased/1",
            "erased/1/02",
        ] {
            assert_eq!(bad.parse::<LedgerAccount>(), Err(ParseLedgerAccountError), "{bad}");
        }
    }
}
