//! What came of the mutants, in numbers.

use std::collections::BTreeMap;
use std::fmt;

use plimsoll::verdict::Ground;

use crate::mutant::Mutant;
use crate::oracle::Ruling;
use crate::run::Run;

/// What the judge made of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// It diverges at this line, from 0, or the line is refused.
    Rejected(usize),
    /// Neither.
    Inconclusive(Ground),
    /// It conforms.
    Conforming,
}

#[derive(Default)]
struct Count {
    illegal: u64,
    rejected: u64,
}

/// The numbers.
#[derive(Default)]
pub(crate) struct Tally {
    by_mutation: BTreeMap<String, Count>,
    by_feature: BTreeMap<&'static str, Count>,
    /// Illegal and not rejected in time: by what the judge said, the kind of
    /// line, and what shows it; with the first of the kind.
    survivors: BTreeMap<String, (u64, String)>,
    /// Legal, or not decided by the run: by reason; all, and those rejected.
    others: BTreeMap<&'static str, (u64, u64)>,
    wrongly: Vec<String>,
}

impl Tally {
    pub(crate) fn note(
        &mut self,
        run: &Run,
        feature: &'static str,
        mutant: &Mutant,
        ruling: &Ruling,
        found: &Found,
    ) {
        let first = || {
            let line = mutant.line + 1;
            format!("{} line {line}, {:?}", run.name, mutant.mutation)
        };
        let rejected = matches!(found, Found::Rejected(_));
        let (shown, why) = match ruling {
            Ruling::Illegal(shown, why) => (*shown, why),
            Ruling::Legal(why) | Ruling::Open(why) => {
                let count = self.others.entry(why).or_default();
                count.0 += 1;
                count.1 += u64::from(rejected);
                if rejected && matches!(ruling, Ruling::Legal(_)) {
                    let class = mutant.class(run);
                    self.wrongly
                        .push(format!("{class}; {why}  [{}] {found:?}", first()));
                }
                return;
            }
        };
        let of_feature = self.by_feature.entry(feature).or_default();
        of_feature.illegal += 1;
        of_feature.rejected += u64::from(matches!(found, Found::Rejected(at) if *at <= shown));
        let count = self.by_mutation.entry(mutant.what()).or_default();
        count.illegal += 1;
        let what = match found {
            Found::Rejected(at) if *at <= shown => {
                count.rejected += 1;
                return;
            }
            Found::Rejected(_) => "rejected late".to_owned(),
            Found::Inconclusive(ground) => format!("inconclusive ({ground:?})"),
            Found::Conforming => "conforms".to_owned(),
        };
        let key = format!("{what}: {}; {why}", mutant.class(run));
        self.survivors.entry(key).or_insert_with(|| (0, first())).0 += 1;
    }

    /// Legal mutants that were rejected: there must be none.
    pub(crate) fn wrongly(&self) -> &[String] {
        &self.wrongly
    }

    /// How many were shown illegal.
    pub(crate) fn illegal(&self) -> u64 {
        self.by_mutation.values().map(|count| count.illegal).sum()
    }

    /// The least share of any feature.
    pub(crate) fn least_share(&self) -> f64 {
        let shares = self.by_feature.values();
        let shares = shares.map(|count| count.rejected as f64 / count.illegal.max(1) as f64);
        shares.fold(1.0, f64::min)
    }

    /// The share of those that were rejected in time.
    pub(crate) fn share(&self) -> f64 {
        let rejected: u64 = self.by_mutation.values().map(|count| count.rejected).sum();
        rejected as f64 / self.illegal().max(1) as f64
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| mutation | shown illegal | rejected in time |")?;
        writeln!(f, "|---|---:|---:|")?;
        for (what, count) in &self.by_mutation {
            writeln!(f, "| {what} | {} | {} |", count.illegal, count.rejected)?;
        }
        let (illegal, share) = (self.illegal(), self.share() * 100.0);
        writeln!(f, "| all | {illegal} | {share:.2} % |")?;
        writeln!(f, "\n| runs of | shown illegal | rejected in time |")?;
        writeln!(f, "|---|---:|---:|")?;
        for (feature, count) in &self.by_feature {
            let share = 100.0 * count.rejected as f64 / count.illegal.max(1) as f64;
            writeln!(f, "| {feature} | {} | {share:.2} % |", count.illegal)?;
        }
        writeln!(
            f,
            "\n| survivors | verdict: mutant; what shows it | the first |"
        )?;
        writeln!(f, "|---:|---|---|")?;
        for (what, (count, first)) in &self.survivors {
            writeln!(f, "| {count} | {what} | {first} |")?;
        }
        writeln!(f, "\n| legal or open, because | mutants | rejected |")?;
        writeln!(f, "|---|---:|---:|")?;
        for (why, (count, rejected)) in &self.others {
            writeln!(f, "| {why} | {count} | {rejected} |")?;
        }
        Ok(())
    }
}
