//! What everybody can check of an epoch, from what the server publishes.

use anyhow::{Context, bail, ensure};
use hexmile_ingest::http::{EpochDetail, ScoreJson, ScoreList};
use hexmile_rewards::{
    RegionId, Rules, Score,
    ledger::{self, Entry, LedgerAccount},
    merkle,
};

use super::client::Client;

/// What a server publishes of one epoch.
pub(super) struct Published {
    epoch: u64,
    detail: EpochDetail,
    scores: Vec<ScoreJson>,
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
        let mut scores: Vec<ScoreJson> = Vec::new();
        let mut path = format!("/v1/epochs/{epoch}/scores?limit=1000");
        loop {
            let page: ScoreList = client.get(&path)?;
            // Pages that do not rise may never end; what is wrong with them is found below.
            let first = page.scores.first().map(|s| &s.account_id);
            let last = scores.last().map(|s| &s.account_id);
            let rises = last.is_none() || first > last;
            scores.extend(page.scores);
            match page.next_after {
                Some(after) if rises => {
                    path = format!("/v1/epochs/{epoch}/scores?limit=1000&after={after}");
                }
                _ => return Ok(Self { epoch, detail, scores }),
            }
        }
    }

    /// Recomputes pay, ledger, root and conservation.
    ///
    /// # Errors
    /// The first thing that does not hold.
    pub(super) fn verify(&self) -> anyhow::Result<Verified> {
        let record = &self.detail.epoch;
        ensure!(record.number == self.epoch, "the server answered with epoch {}", record.number);
        let rules = self.verify_rules()?;
        let scores = self.scores.iter().map(score).collect::<anyhow::Result<Vec<Score>>>()?;
        if let Some(pair) = scores.windows(2).find(|pair| pair[0].account >= pair[1].account) {
            bail!("scores are not in order of account at {}", pair[1].account);
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
                s.account,
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
        let leaves: Vec<_> =
            scores.iter().map(|s| merkle::leaf_hash(&s.leaf(self.epoch))).collect();
        let root = hex::encode(merkle::root_of(&leaves));
        ensure!(
            root == record.scores_root,
            "the scores' root is {root}, not {}",
            record.scores_root
        );
        self.verify_ledger(&scores, unallocated)?;
        let (scores, entries) = (scores.len(), self.detail.ledger.len());
        Ok(Verified { scores, entries, pool, paid, unallocated, root, rules })
    }

    fn verify_rules(&self) -> anyhow::Result<Option<String>> {
        let Some(rules) = &self.detail.rules else { return Ok(None) };
        let hash = hex::encode(Rules::parse(rules).context("rules")?.hash());
        let said = &self.detail.epoch.rules_hash;
        ensure!(hash == *said, "the rules hash to {hash}, not {said}");
        Ok(Some(hash))
    }

    fn verify_ledger(&self, scores: &[Score], unallocated: u64) -> anyhow::Result<()> {
        let entries = self.detail.ledger.iter().enumerate().map(|(index, row)| {
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
            let got = balances.remove(&LedgerAccount::Driver(s.account)).unwrap_or(0);
            ensure!(
                got == i128::from(s.pay),
                "the ledger gives {} {got}, not {}",
                s.account,
                s.pay
            );
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

fn score(json: &ScoreJson) -> anyhow::Result<Score> {
    Ok(Score {
        region: RegionId::default(),
        account: json.account_id.parse().context("account_id")?,
        score: number("score", &json.score)?,
        pay: number("pay", &json.pay)?,
    })
}

#[cfg(test)]
mod tests {
    use hexmile_ingest::http::{EpochJson, LedgerEntryJson};

    use super::*;

    /// Two accounts, of which the first scored `first` and the second 1, and are paid of ten.
    fn published(first: u64, pays: [u64; 2]) -> Published {
        let accounts = ["0".repeat(31) + "1", "0".repeat(31) + "2"];
        let scores: Vec<ScoreJson> = [first, 1]
            .iter()
            .zip(pays)
            .zip(&accounts)
            .map(|((score, pay), account)| ScoreJson {
                account_id: account.clone(),
                score: score.to_string(),
                pay: pay.to_string(),
            })
            .collect();
        let leaves: Vec<_> = scores.iter().map(|s| score(s).unwrap().leaf(0)).collect();
        let leaves: Vec<_> = leaves.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
        let (pool, reserve) = ("pool/0/0", "reserve");
        let entry = |debit: &str, credit: &str, amount: u64| LedgerEntryJson {
            debit: debit.to_owned(),
            credit: credit.to_owned(),
            amount: amount.to_string(),
        };
        let mut ledger = vec![entry(reserve, pool, 10)];
        for (account, pay) in accounts.iter().zip(pays).filter(|(_, pay)| *pay > 0) {
            ledger.push(entry(pool, &format!("driver/{account}"), pay));
        }
        let paid = pays[0] + pays[1];
        if paid < 10 {
            ledger.push(entry(pool, reserve, 10 - paid));
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
        };
        let detail = EpochDetail { epoch, ledger, rules: Some(rules.canonical()) };
        Published { epoch: 0, detail, scores }
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
        check(|p| p.scores.swap(0, 1), "not in order of account");
        check(|p| p.detail.epoch.total_score = "3".to_owned(), "scores add up to 2, not 3");
        check(|p| p.scores[0].pay = "3".to_owned(), "is paid 3, not 2");
        check(|p| p.detail.epoch.paid = "5".to_owned(), "pay adds up to 4, not 5");
        check(|p| p.detail.epoch.unallocated = "5".to_owned(), "is not the pool, 10");
        check(|p| p.detail.epoch.scores_root.clear(), "the scores' root is");
        check(|p| p.detail.ledger[1].amount = "1".to_owned(), "not empty");
        check(|p| p.detail.epoch.pool = "ten".to_owned(), "pool: \"ten\" is not a number");
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
