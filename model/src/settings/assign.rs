//! Settings one by one: what no dialect and no feature has as it is wanted.

use crate::bounds::assigned;

use super::{Configuration, Durability, Settings, Storage, TakesEffect};

/// Why an assignment gives no settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(String);

impl Settings {
    /// These settings with one of them changed, as `removed-leader=leads-on`
    /// says it; names and values are those of the table in `docs/model.md`.
    ///
    /// # Errors
    /// The cause: no `=`, an unknown name, a value that the setting does not
    /// take. Whether they can stand together is asked when all are set
    /// ([`Settings::check`]).
    pub fn set(&self, assignment: &str) -> Result<Settings, SettingError> {
        let (name, value) = assigned(assignment)
            .ok_or_else(|| SettingError("not of the form name=value".to_owned()))?;
        let failed = |error: &dyn std::fmt::Display| SettingError(format!("{name}: {error}"));
        let mut all = toml::Table::try_from(self).map_err(|error| failed(&error))?;
        all.insert(name.to_owned(), value);
        let set: Settings = all
            .try_into()
            .map_err(|error: toml::de::Error| failed(&error.message()))?;
        Ok(Settings {
            flaw: self.flaw,
            ..set
        })
    }

    /// Whether the settings can stand together.
    ///
    /// # Errors
    /// Which of them cannot.
    pub fn check(&self) -> Result<(), String> {
        if self.configuration == Configuration::Applied
            && self.takes_effect == TakesEffect::Appended
        {
            return Err(
                "a configuration that comes from applied entries (configuration=applied) cannot \
                 take effect when it is appended (takes-effect=appended)"
                    .to_owned(),
            );
        }
        if self.storage == Storage::Async && self.durability == Durability::Atomic {
            return Err(
                "writes that are queued (storage=async) are durable later (durability=deferred)"
                    .to_owned(),
            );
        }
        if self.election_timeout_ticks == 0 {
            return Err("an election timeout is at least one tick".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Dialect, RemovedLeader};
    use super::*;

    fn etcd() -> Settings {
        Dialect::Etcd.settings(Durability::Atomic)
    }

    #[test]
    fn a_setting_is_set_by_its_name_and_nothing_else_changes() {
        let set = etcd().set("removed-leader=leads-on").expect("a setting");
        let expected = Settings {
            removed_leader: RemovedLeader::LeadsOn,
            ..etcd()
        };
        assert_eq!(set, expected);
        assert!(etcd().set("check-quorum=true").expect("one").check_quorum);
        assert_eq!(etcd().set(" window = 3 ").expect("a number").window, 3);
    }

    #[test]
    fn what_is_no_setting_is_named() {
        let error = |assignment: &str| etcd().set(assignment).expect_err("none").to_string();
        assert_eq!(error("window"), "not of the form name=value");
        assert!(error("windows=1").contains("unknown field `windows`"));
        assert!(error("flaw=figure-8").contains("unknown field `flaw`"));
        assert!(error("removed-leader=resigns").contains("leads-on"));
        assert!(error("window=-1").starts_with("window: "));
    }

    #[test]
    fn settings_that_cannot_stand_together_are_named() {
        let error = |assignment: &str| {
            let set = etcd().set(assignment).expect("a setting");
            set.check().expect_err("they cannot")
        };
        assert!(error("takes-effect=appended").contains("configuration=applied"));
        assert!(error("storage=async").contains("durability=deferred"));
        assert!(error("election-timeout-ticks=0").contains("at least one tick"));
        let both = etcd()
            .set("storage=async")
            .and_then(|s| s.set("durability=deferred"));
        assert_eq!(both.expect("settings").check(), Ok(()));
    }
}
