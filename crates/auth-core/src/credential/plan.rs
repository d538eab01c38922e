//! `RotationPlan`: what to do with an account's keys, and by which day.

use super::notes::KeyAge;
use super::ring::KeyState;
use crate::provider::Provider;
use crate::time::UnixTime;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

/// How long before its end a key should have a successor in use: a week, because a deployment that fails needs a second one.
const LEAD: Duration = Duration::from_hours(7 * 24);
/// How long the old key is kept after it was last needed: a day, because jobs run daily.
const QUIET: Duration = Duration::from_hours(24);

/// `RotationPlan` is what to do with an account's keys and by when, the most urgent first. `Display` prints it as lines for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RotationPlan {
    /// The steps, in the order of their moments.
    pub steps: Vec<PlanStep>,
}

/// `PlanStep` is one thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// By when.
    pub by: UnixTime,
    /// What, in one sentence for a person.
    pub what: String,
}

impl RotationPlan {
    /// The plan for keys that stand so, at a provider with such limits.
    pub fn new(provider: &Provider, keys: &[KeyState], now: UnixTime) -> Self {
        let mut steps: Vec<PlanStep> = Vec::new();
        let mut add = |by: UnixTime, what: String| steps.insert(steps.partition_point(|step| step.by <= by), PlanStep { by, what });
        let where_to = provider.where_to_obtain().map_or(String::new(), |place| format!(" ({place})"));
        let overlap = provider.keys_may_overlap() != Some(false);
        for (index, key) in keys.iter().enumerate() {
            let name = called(key, index);
            if key.refused.is_some() {
                add(now, format!("remove {name}: the API refuses it"));
                continue;
            }
            match key.age {
                KeyAge::Unknown => add(now, format!("note when {name} was created: it expires, and nobody can tell when")),
                KeyAge::Expired { ended } if keys.iter().any(|other| outlives(other, ended)) => {
                    add(now, format!("take {name} out of the ring: it has expired, and its successor is there"));
                    continue;
                }
                KeyAge::Expired { .. } => {
                    add(now, format!("replace {name}: it has expired; generate a new one{where_to} and put it into the ring"));
                }
                KeyAge::Expiring { ends, .. } | KeyAge::Active { ends } => {
                    let has_successor = keys.iter().any(|other| outlives(other, ends));
                    if !has_successor {
                        let how = if overlap {
                            "generate its successor and put it into the ring, both work side by side"
                        } else {
                            "plan a moment to exchange it: two keys do not work side by side"
                        };
                        add(ends.before(LEAD).max(now), format!("{name}: {how}{where_to}"));
                    }
                }
                KeyAge::Unlimited => {}
            }
            if key.integrations.len() > 1 {
                add(
                    now,
                    format!(
                        "give each of {} a key of its own: they share {name}, which cannot be revoked for one alone",
                        key.integrations.join(", ")
                    ),
                );
            }
            let has_newer = keys.iter().any(|other| outlives(other, key.age.ends().unwrap_or(UnixTime::NEVER)) && other.in_use);
            if !key.in_use && has_newer {
                let since = key.last_needed.map_or(String::from("this session never needed it"), |at| format!("last needed {at}"));
                add(key.last_needed.map_or(now, |at| at.after(QUIET)).max(now), format!("revoke {name}: its successor is in use, {since}"));
            }
        }
        if let Some(most) = provider.max_keys().filter(|most| keys.len() >= *most as usize) {
            add(now, format!("delete a key before the next is generated: {} allows {most}", provider.title()));
        }
        Self { steps }
    }
}

impl fmt::Display for RotationPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() {
            return f.write_str("nothing to do");
        }
        for (index, step) in self.steps.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}by {}: {}", step.by, step.what)?;
        }
        Ok(())
    }
}

/// Whether a key works longer than until then.
fn outlives(key: &KeyState, ends: UnixTime) -> bool {
    key.refused.is_none() && key.age.ends().is_some_and(|other| other > ends)
}

fn called(key: &KeyState, index: usize) -> String {
    key.notes
        .name
        .clone()
        .or_else(|| key.notes.id.clone())
        .map_or_else(|| format!("key {} ({}…)", index + 1, key.prefix), |name| format!("key {name:?}").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credential::KeyNotes;
    use crate::verdict::failure::{Failure, FailureKind};

    const DAY: Duration = Duration::from_hours(24);
    const NOW: UnixTime = UnixTime::from_secs(1_764_000_000);

    fn key(name: &str, age_days: u32, in_use: bool) -> KeyState {
        let created = NOW.before(DAY * age_days);
        let age = KeyAge::of(Some(DAY * 90), Some(created), NOW);
        KeyState {
            notes: KeyNotes { name: Some(name.into()), ..KeyNotes::default() },
            prefix: "live_sk_".into(),
            age,
            in_use,
            integrations: Vec::new(),
            refused: None,
            last_needed: None,
        }
    }

    fn plan(keys: &[KeyState]) -> String {
        RotationPlan::new(&Provider::builtin("finora").unwrap(), keys, NOW).to_string()
    }

    #[test]
    fn a_lone_key_needs_a_successor_a_week_before_its_end() {
        let text = plan(&[key("erp", 10, true)]);
        assert_eq!(text.lines().count(), 1);
        assert!(text.starts_with(&format!("by {}", NOW.after(DAY * 73))) && text.contains("side by side"), "{text}");
        assert!(plan(&[key("erp", 88, true)]).starts_with(&format!("by {NOW}")));
    }

    #[test]
    fn an_old_key_whose_successor_is_in_use_is_revoked() {
        let text = plan(&[key("new", 2, true), key("old", 80, false)]);
        assert!(text.contains("revoke key \"old\"") && text.contains("never needed"), "{text}");
    }

    #[test]
    fn an_expired_key_is_replaced_and_one_without_a_date_is_asked_about() {
        assert!(plan(&[key("erp", 91, true)]).contains("it has expired"));
        let mut unknown = key("erp", 1, true);
        unknown.age = KeyAge::Unknown;
        assert!(plan(&[unknown]).contains("note when"));
    }

    #[test]
    fn a_plan_is_lines_the_most_urgent_first() {
        let text = plan(&[key("erp", 10, true), key("dead", 91, false)]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        assert!(lines[0].starts_with(&format!("by {NOW}: take key \"dead\" out of the ring")), "{text}");
        assert!(lines[1].starts_with(&format!("by {}: key \"erp\": generate its successor", NOW.after(DAY * 73))), "{text}");
        assert_eq!(plan(&[]), "nothing to do");
    }

    #[test]
    fn a_successor_is_a_key_that_ends_later_and_was_not_refused() {
        // Two of one day are none to each other.
        assert_eq!(plan(&[key("a", 10, true), key("b", 10, false)]).matches("generate its successor").count(), 2);
        assert_eq!(plan(&[key("a", 20, true), key("b", 10, false)]).matches("generate its successor").count(), 1);
        let mut refused = key("b", 10, false);
        refused.refused = Some(Failure::new(FailureKind::KeyRefused, "", ""));
        let text = plan(&[key("a", 20, true), refused]);
        assert!(text.contains("key \"a\": generate its successor") && text.contains("remove key \"b\": the API refuses it"), "{text}");
    }

    #[test]
    fn a_key_without_a_name_is_called_by_its_place() {
        let mut nameless = key("", 91, true);
        nameless.notes = KeyNotes::default();
        assert!(plan(&[nameless.clone()]).contains("replace key 1 (live_sk_…): it has expired"));
        nameless.notes.id = Some("key_7".into());
        assert!(plan(&[nameless]).contains("replace key \"key_7\""));
    }
}
