//! What everybody can check of an epoch, from what the server publishes.

use anyhow::{Context, bail, ensure};
use hexmile_ingest::http::{EpochDetail, LedgerEntryJson, LedgerList, ScoreJson, ScoreList};
use hexmile_rewards::{
    RegionId, Rules, Score,
    ledger::{self, Entry, LedgerAccount},
    merkle,
};
use hexmile_trace::AccountId;

use super::client::Client;

/// Rows asked for at once.
const PAGE: usize = 1000;

/// A score whose account may have been erased.
struct Scored {
    place: u64,
    /// The account, or what is left of it: the hash of its leaf.
    holder: Result<AccountId, [u8; 32]>,
    score: u64,
    pay: u64,
}

/// What a server publishes of one epoch.
pub(super) struct Published {
    epoch: u64,
    detail: EpochDetail,
    scores: Vec<ScoreJson>,
    ledger: Vec<LedgerEntryJson>,
}

/// What was found to hold.
pub(super) struct Verified {
    pub(super) scores: usize,
    pub(super) entries: usize,
    pub(super) pool: u64,
    pub(super) paid: u64,
    pub(super) unallocated: u64,
    pub(super) root: String,
    /// Hash of the rules, where the server still has those that were in force.
    pub(super) rules: Option<String>,
}

impl Published {
    /// Fetches an epoch.
    ///
    /// # Errors
    /// The server cannot be asked, or does not answer with an epoch: nothing is known of it.
    pub(super) fn fetch(client: &Client, epoch: u64) -> anyhow::Result<Self> {
        let detail = client.get(&format!("/v1/epochs/{epoch}"))?;
        // Pages that do not rise may never end; what is wrong with them is found later.
        let (mut scores, mut next) = (Vec::new(), Some(0));
        while let Some(from) = next {
            let path = format!("/v1/epochs/{epoch}/scores?limit={PAGE}&from={from}");
            let page: ScoreList = client.get(&path)?;
            scores.extend(page.scores);
            next = page.next_from.filter(|next| *next > from);
        }
        let (mut ledger, mut next) = (Vec::new(), Some(0));
        while let Some(from) = next {
            let path = format!("/v1/epochs/{epoch}/ledger?limit={PAGE}&from={from}");
            let page: LedgerList = client.get(&path)?;
            ledger.extend(page.entries);
            next = page.next_from.filter(|next| *next > from);
        }
        Ok(Self { epoch, detail, scores, ledger })
    }

    /// Recomputes pay, ledger, root and conservation.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub(super) fn verify(&self) -> anyhow::Result<Verified> {
        let record = &self.detail.epoch;
        ensure!(record.number == self.epoch, "the server answered with epoch {}", record.number);
        let rules = self.verify_rules()?;
        let scores = self.scores.iter().map(scored).collect::<anyhow::Result<Vec<Scored>>>()?;
        if let Some((place, _)) = (0..).zip(&scores).find(|(place, s)| *place != s.place) {
            bail!("the score at place {place} is not there");
        }
        let (counted, said) = (scores.len() as u64, record.drivers);
        ensure!(counted == said, "{counted} accounts have a score, not {said}");
        let accounts: Vec<AccountId> = scores.iter().filter_map(|s| s.holder.ok()).collect();
        if let Some([_, account]) = accounts.array_windows().find(|[a, b]| a >= b) {
            bail!("scores are not in order of account at {account}");
        }
        let pool = number("pool", &record.pool)?;
        let target = number("target_score", &record.target_score)?;
        // Sums of what a server says may pass 64 bits, and must not come round again.
        let total = sum(scores.iter().map(|s| s.score));
        let said = number("total_score", &record.total_score)?;
        ensure!(total == said.into(), "scores add up to {total}, not {said}");
        let whole = total.max(target.into());
        for s in &scores {
            let pay = (u128::from(pool) * u128::from(s.score)).checked_div(whole);
            ensure!(
                pay == Some(s.pay.into()),
                "{} is paid {}, not {}",
                s.name(self.epoch),
                s.pay,
                pay.unwrap_or_default()
            );
        }
        let total_pay = sum(scores.iter().map(|s| s.pay));
        let paid = number("paid", &record.paid)?;
        ensure!(total_pay == paid.into(), "pay adds up to {total_pay}, not {paid}");
        let unallocated = number("unallocated", &record.unallocated)?;
        ensure!(
            sum([paid, unallocated]) == pool.into(),
            "{paid} + {unallocated} is not the pool, {pool}"
        );
        let leaves: Vec<_> = scores.iter().map(|s| s.leaf(self.epoch)).collect();
        let root = hex::encode(merkle::root_of(&leaves));
        ensure!(
            root == record.scores_root,
            "the scores' root is {root}, not {}",
            record.scores_root
        );
        self.verify_ledger(&scores, unallocated)?;
        let (scores, entries) = (scores.len(), self.ledger.len());
        Ok(Verified { scores, entries, pool, paid, unallocated, root, rules })
    }

    fn verify_rules(&self) -> anyhow::Result<Option<String>> {
        let Some(rules) = &self.detail.rules else { return Ok(None) };
        let hash = hex::encode(Rules::parse(rules).context("rules")?.hash());
        let said = &self.detail.epoch.rules_hash;
        ensure!(hash == *said, "the rules hash to {hash}, not {said}");
        Ok(Some(hash))
    }

    fn verify_ledger(&self, scores: &[Scored], unallocated: u64) -> anyhow::Result<()> {
        let entries = self.ledger.iter().enumerate().map(|(index, row)| {
            Ok(Entry {
                epoch: self.epoch,
                index: index as u32,
                debit: row.debit.parse()?,
                credit: row.credit.parse()?,
                amount: number("amount", &row.amount)?,
            })
        });
        let entries = entries.collect::<anyhow::Result<Vec<Entry>>>()?;
        let mut balances = ledger::verify(&entries)?;
        let reserve = balances.remove(&LedgerAccount::Reserve).unwrap_or(0);
        let paid: i128 = scores.iter().map(|s| i128::from(s.pay)).sum();
        ensure!(-reserve == paid, "the reserve gave {}, and {paid} was paid", -reserve);
        for s in scores.iter().filter(|s| s.pay > 0) {
            let name = s.name(self.epoch);
            let got = balances.remove(&name).unwrap_or(0);
            ensure!(got == i128::from(s.pay), "the ledger gives {name} {got}, not {}", s.pay);
        }
        if let Some((account, amount)) = balances.pop_first() {
            bail!("the ledger gives {account} {amount}, which no score explains");
        }
        let returned = entries.iter().filter(|e| e.credit == LedgerAccount::Reserve);
        let returned = sum(returned.map(|e| e.amount));
        ensure!(
            returned == unallocated.into(),
            "{returned} returned to the reserve, not {unallocated}"
        );
        Ok(())
    }
}

fn sum(values: impl IntoIterator<Item = u64>) -> u128 {
    values.into_iter().map(u128::from).sum()
}

fn number(what: &str, text: &str) -> anyhow::Result<u64> {
    text.parse().with_context(|| format!("{what}: {text:?} is not a number"))
}

fn scored(json: &ScoreJson) -> anyhow::Result<Scored> {
    let holder = match (&json.account_id, &json.leaf) {
        (Some(account), None) => Ok(account.parse().context("account_id")?),
        (None, Some(leaf)) => {
            let mut hash = [0; 32];
            hex::decode_to_slice(leaf, &mut hash).context("leaf")?;
            Err(hash)
        }
        _ => bail!("the score at place {} has not one holder", json.place),
    };
    let (score, pay) = (number("score", &json.score)?, number("pay", &json.pay)?);
    Ok(Scored { place: json.place, holder, score, pay })
}

impl Scored {
    /// Whose it is in the ledger.
    fn name(&self, epoch: u64) -> LedgerAccount {
        let erased = LedgerAccount::Erased { epoch, place: self.place };
        self.holder.map_or(erased, LedgerAccount::Driver)
    }

    /// Hash of its leaf in the epoch's root.
    fn leaf(&self, epoch: u64) -> [u8; 32] {
        let (score, pay) = (self.score, self.pay);
        self.holder.map_or_else(
            |leaf| leaf,
            |account| {
                let score = Score { region: RegionId::default(), account, score, pay };
                merkle::leaf_hash(&score.leaf(epoch))
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use hexmile_ingest::http::{EpochJson, LedgerEntryJson};
    use hexmile_rewards::{RegionId, ledger::LedgerAccount};

    use super::*;

    /// Two accounts, of which the first scored `first` and the second 1, and are paid of ten.
    fn published(first: u64, pays: [u64; 2]) -> Published {
        let accounts = ["0".repeat(31) + "1", "0".repeat(31) + "2"];
        let scores: Vec<ScoreJson> = [first, 1]
            .iter()
            .zip(pays)
            .zip(&accounts)
            .zip(0..)
            .map(|(((score, pay), account), place)| ScoreJson {
                place,
                account_id: Some(account.clone()),
                leaf: None,
                score: score.to_string(),
                pay: pay.to_string(),
            })
            .collect();
        let leaves: Vec<_> = scores.iter().map(|s| scored(s).unwrap().leaf(0)).collect();
        let pool = LedgerAccount::Pool { epoch: 0, region: RegionId::default() }.to_string();
        let reserve = LedgerAccount::Reserve.to_string();
        let entry = |debit: &str, credit: &str, amount: u64| LedgerEntryJson {
            entry: 0,
            debit: debit.to_owned(),
            credit: credit.to_owned(),
            amount: amount.to_string(),
        };
        let mut ledger = vec![entry(&reserve, &pool, 10)];
        for (account, pay) in accounts.iter().zip(pays).filter(|(_, pay)| *pay > 0) {
            ledger.push(entry(&pool, &format!("driver/{account}"), pay));
        }
        let paid = pays[0] + pays[1];
        if paid < 10 {
            ledger.push(entry(&pool, &reserve, 10 - paid));
        }
        for (place, entry) in (0..).zip(&mut ledger) {
            entry.entry = place;
        }
        let rules = Rules::default();
        let epoch = EpochJson {
            number: 0,
            first_position: 0,
            end_position: 2,
            closed_at_ms: 0,
            rules_hash: hex::encode(rules.hash()),
            pool: "10".to_owned(),
            paid: paid.to_string(),
            unallocated: (10 - paid).to_string(),
            target_score: "4".to_owned(),
            total_score: first.wrapping_add(1).to_string(),
            scores_root: hex::encode(merkle::root_of(&leaves)),
            drivers: 2,
        };
        let detail = EpochDetail { epoch, rules: Some(rules.canonical()) };
        Published { epoch: 0, detail, scores, ledger }
    }

    #[test]
    fn an_epoch_that_adds_up_verifies() {
        let verified = published(1, [2, 2]).verify().unwrap();
        assert_eq!((verified.scores, verified.entries), (2, 4));
        assert_eq!((verified.pool, verified.paid, verified.unallocated), (10, 4, 6));
        assert!(verified.rules.is_some());
        let mut without = published(9, [9, 1]);
        without.detail.rules = None;
        assert!(without.verify().unwrap().rules.is_none());
    }

    #[test]
    fn what_does_not_add_up_is_named() {
        #[track_caller]
        fn check(change: impl FnOnce(&mut Published), named: &str) {
            let mut published = published(1, [2, 2]);
            change(&mut published);
            let error = format!("{:#}", published.verify().err().unwrap());
            assert!(error.contains(named), "{error}");
        }
        check(|p| p.epoch = 1, "answered with epoch 0");
        check(|p| p.detail.epoch.rules_hash.replace_range(..1, "x"), "the rules hash to");
        check(|p| p.detail.rules = Some("?".to_owned()), "rules");
        check(|p| p.scores.swap(0, 1), "the score at place 0 is not there");
        check(
            |p| p.scores.iter_mut().for_each(|s| s.account_id = Some("0".repeat(32))),
            "in order",
        );
        check(|p| p.scores[0].leaf = Some(String::new()), "not one holder");
        check(|p| p.detail.epoch.drivers = 3, "2 accounts have a score, not 3");
        check(|p| p.detail.epoch.total_score = "3".to_owned(), "scores add up to 2, not 3");
        check(|p| p.scores[0].pay = "3".to_owned(), "is paid 3, not 2");
        check(|p| p.detail.epoch.paid = "5".to_owned(), "pay adds up to 4, not 5");
        check(|p| p.detail.epoch.unallocated = "5".to_owned(), "is not the pool, 10");
        check(|p| p.detail.epoch.scores_root.clear(), "the scores' root is");
        check(|p| p.ledger[1].amount = "1".to_owned(), "");
        check(|p| p.detail.epoch.pool = "ten".to_owned(), "pool: \"ten\" is not a number");
    }

    /// What erasing an account leaves is checked like the rest.
    #[test]
    fn an_erased_account_leaves_an_epoch_that_verifies() {
        let mut published = published(1, [2, 2]);
        let leaf = scored(&published.scores[1]).unwrap().leaf(0);
        published.scores[1].account_id = None;
        published.scores[1].leaf = Some(hex::encode(leaf));
        assert!(published.verify().err().unwrap().to_string().contains("erased/0/1"));
        published.ledger[2].credit = "erased/0/1".to_owned();
        published.verify().unwrap();
        published.scores[1].leaf = Some(hex::encode([7; 32]));
        assert!(published.verify().err().unwrap().to_string().contains("root"));
    }

    #[test]
    fn sums_do_not_come_round_again() {
        let error = published(u64::MAX, [9, 0]).verify().err().unwrap().to_string();
        assert!(error.contains("scores add up to 18446744073709551616, not 0"), "{error}");
        let mut paid = published(1, [2, 2]);
        paid.detail.epoch.paid = "4".to_owned();
        paid.detail.epoch.unallocated = u64::MAX.to_string();
        assert!(paid.verify().err().unwrap().to_string().contains("is not the pool"));
    }
}
