//! What everybody can check of an epoch, from what the server publishes.

use anyhow::{Context, bail, ensure};
use hexmile_ingest::http::{EpochDetail, ScoreJson, ScoreList};
use hexmile_rewards::{
    RegionId, Rules, Score,
    ledger::{self, Entry, LedgerAccount},
    merkle,
};

use super::client::Client;

/// What was found to hold.
pub(super) struct Verified {
    pub(super) scores: usize,
    pub(super) entries: usize,
    pub(super) pool: u64,
    pub(super) paid: u64,
    pub(super) unallocated: u64,
    pub(super) root: String,
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

fn scores(client: &Client, epoch: u64) -> anyhow::Result<Vec<Score>> {
    let mut out: Vec<Score> = Vec::new();
    let mut path = format!("/v1/epochs/{epoch}/scores?limit=1000");
    loop {
        let page: ScoreList = client.get(&path)?;
        for json in &page.scores {
            let score = score(json)?;
            let rises = out.last().is_none_or(|last: &Score| last.account < score.account);
            ensure!(rises, "scores are not in order of account at {}", score.account);
            out.push(score);
        }
        let Some(after) = page.next_after else { return Ok(out) };
        path = format!("/v1/epochs/{epoch}/scores?limit=1000&after={after}");
    }
}

/// Fetches an epoch and recomputes pay, ledger, root and conservation.
pub(super) fn verify(client: &Client, epoch: u64) -> anyhow::Result<Verified> {
    let detail: EpochDetail = client.get(&format!("/v1/epochs/{epoch}"))?;
    let record = &detail.epoch;
    ensure!(record.number == epoch, "the server answered with epoch {}", record.number);
    if let Some(rules) = &detail.rules {
        let hash = hex::encode(Rules::parse(rules)?.hash());
        ensure!(hash == record.rules_hash, "the rules hash to {hash}, not {}", record.rules_hash);
    }
    let pool = number("pool", &record.pool)?;
    let target = number("target_score", &record.target_score)?;
    let scores = scores(client, epoch)?;
    let total: u64 = scores.iter().map(|s| s.score).sum();
    ensure!(total == number("total_score", &record.total_score)?, "scores add up to {total}");
    let whole = total.max(target);
    for s in &scores {
        let pay = (u128::from(pool) * u128::from(s.score)).checked_div(u128::from(whole));
        ensure!(pay == Some(u128::from(s.pay)), "{} is paid {}, not {pay:?}", s.account, s.pay);
    }
    let paid: u64 = scores.iter().map(|s| s.pay).sum();
    let unallocated = number("unallocated", &record.unallocated)?;
    ensure!(paid == number("paid", &record.paid)?, "pay adds up to {paid}");
    ensure!(paid + unallocated == pool, "{paid} + {unallocated} is not the pool, {pool}");
    let leaves: Vec<_> = scores.iter().map(|s| merkle::leaf_hash(&s.leaf(epoch))).collect();
    let root = hex::encode(merkle::root_of(&leaves));
    ensure!(root == record.scores_root, "the scores' root is {root}, not {}", record.scores_root);
    verify_ledger(&detail, epoch, &scores, unallocated)?;
    let entries = detail.ledger.len();
    Ok(Verified { scores: scores.len(), entries, pool, paid, unallocated, root })
}

fn verify_ledger(
    detail: &EpochDetail,
    epoch: u64,
    scores: &[Score],
    unallocated: u64,
) -> anyhow::Result<()> {
    let entries = detail.ledger.iter().enumerate().map(|(index, row)| {
        Ok(Entry {
            epoch,
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
        ensure!(got == i128::from(s.pay), "the ledger gives {} {got}, not {}", s.account, s.pay);
    }
    if let Some((account, amount)) = balances.pop_first() {
        bail!("the ledger gives {account} {amount}, which no score explains");
    }
    let returned: u64 =
        entries.iter().filter(|e| e.credit == LedgerAccount::Reserve).map(|e| e.amount).sum();
    ensure!(returned == unallocated, "{returned} returned to the reserve, not {unallocated}");
    Ok(())
}
