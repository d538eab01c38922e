//! Key rings and rotation
//!
//! Several keys of one account make a ring: the first that is neither refused nor expired is used.
//! A key that has reached its end gives way to its successor before anybody meets a 401; one that
//! is refused gives way in the same call. The functions that ask a client tell how its keys stand,
//! and what to do by when.

use crate::client::ledgerauth_client;
use crate::credential::ledgerauth_credential;
use crate::error::{Fault, ledgerauth_error, misuse};
use crate::given::{Material, given};
use crate::guard::{ask, free, guard, make};
use crate::input::{beyond, get, offer, read_sized, sized, write_sized};
use crate::text::{ledgerauth_str, texts};
use auth_http::{Key, KeyAge, KeyNotes, KeyState, RotationPlan, UnixTime};

/// One key of a ring, with what its owner knows about it. Zero it, set size, text, and what is
/// known.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_ring_key {
    /// sizeof(ledgerauth_ring_key).
    pub size: usize,
    /// The key itself.
    pub text: ledgerauth_str,
    /// The name it was given in the vendor's dashboard.
    pub name: ledgerauth_str,
    /// The vendor's own id of it.
    pub id: ledgerauth_str,
    /// The integration that it belongs to.
    pub integration: ledgerauth_str,
    /// What it may do, in the vendor's words: a call that needs more is refused before it is
    /// sent, where the profile knows what calls need.
    pub permissions: *const ledgerauth_str,
    /// How many of them.
    pub permission_count: usize,
    /// When it was created, in milliseconds since 1970 UTC; 0 if that is not known.
    pub created_at: u64,
    /// Not 0 to accept a prefix, length or alphabet that the profile does not know.
    pub relaxed: i32,
}
sized!(ledgerauth_ring_key, relaxed: i32);

/// How the keys of a client stood when it was asked. It never changes.
pub struct ledgerauth_key_states(Vec<(KeyState, Option<Fault>)>);

/// What to do with a client's keys, the most urgent first. It never changes.
pub struct ledgerauth_plan {
    plan: RotationPlan,
    text: String,
}

/// The age of a key: the vendor sets no limit.
pub const LEDGERAUTH_AGE_UNLIMITED: i32 = 0;
/// The age of a key: the vendor sets a limit, but when the key was created is not known.
pub const LEDGERAUTH_AGE_UNKNOWN: i32 = 1;
/// The age of a key: it ends, and there is time.
pub const LEDGERAUTH_AGE_ACTIVE: i32 = 2;
/// The age of a key: it ends within two weeks.
pub const LEDGERAUTH_AGE_EXPIRING: i32 = 3;
/// The age of a key: it has ended.
pub const LEDGERAUTH_AGE_EXPIRED: i32 = 4;

/// How one key stands. The caller sets size; the texts belong to the list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_key_state {
    /// sizeof(ledgerauth_key_state).
    pub size: usize,
    /// The name that its owner gave it.
    pub name: ledgerauth_str,
    /// The vendor's own id of it.
    pub id: ledgerauth_str,
    /// The prefix that all keys of this form share.
    pub prefix: ledgerauth_str,
    /// One of LEDGERAUTH_AGE_*.
    pub age: i32,
    /// Whether the next call is sent with it.
    pub in_use: i32,
    /// When it ends or ended, in milliseconds since 1970 UTC; 0 if that is not known.
    pub ends_at: u64,
    /// When a call was last sent with it, in milliseconds since 1970 UTC; 0 if this client never
    /// did. The old key of a rotation can be revoked when this no longer moves.
    pub last_needed_at: u64,
    /// Why the API refused it; NULL if it did not. It belongs to the list.
    pub refused: *const ledgerauth_error,
}
sized!(ledgerauth_key_state, refused: *const ledgerauth_error);

/// A ring without a key yet: add some with ledgerauth_credential_add_key(). The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_new_ring(
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    given(credential_out, error_out, || Ok(Material::Ring(Vec::new())))
}

/// Adds a key to a ring or behind a static key. LEDGERAUTH_MISUSE for any other credential.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_add_key(
    credential: *mut ledgerauth_credential,
    key: *const ledgerauth_ring_key,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let (credential, key) = unsafe { (get(credential, "credential")?, read_sized(key, "key")?) };
        // SAFETY: by the contract.
        let key = unsafe { noted(&key) }?;
        match &mut credential.0.lock().material {
            Material::Ring(keys) => keys.push(key),
            _ => return Err(misuse("a key can be added to keys only", "make the credential with ledgerauth_credential_new_ring()")),
        }
        Ok(())
    })
}

/// How each key of a client stands, in the ring's order; none if it authenticates with tokens. The
/// caller frees the list.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_keys(
    client: *const ledgerauth_client,
    states_out: *mut *mut ledgerauth_key_states,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(states_out, "states_out", error_out, || {
        // SAFETY: by the contract.
        let states = unsafe { get(client, "client") }?.client.keys();
        let with_refusal = |state: KeyState| {
            let refused = state.refused.clone().map(Fault::from);
            (state, refused)
        };
        Ok(ledgerauth_key_states(states.into_iter().map(with_refusal).collect()))
    })
}

/// The number of keys.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_key_states_count(states: *const ledgerauth_key_states) -> usize {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(states, 0, |states| states.0.len()) }
}

/// How the key of that number stands, counted from 0. LEDGERAUTH_MISUSE if there are not so many.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_key_states_at(
    states: *const ledgerauth_key_states,
    index: usize,
    state_out: *mut ledgerauth_key_state,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let states = unsafe { get(states, "states") }?;
        let (state, refused) = states.0.get(index).ok_or_else(|| beyond("index", states.0.len()))?;
        let age = match state.age {
            KeyAge::Unlimited => LEDGERAUTH_AGE_UNLIMITED,
            KeyAge::Active { .. } => LEDGERAUTH_AGE_ACTIVE,
            KeyAge::Expiring { .. } => LEDGERAUTH_AGE_EXPIRING,
            KeyAge::Expired { .. } => LEDGERAUTH_AGE_EXPIRED,
            _ => LEDGERAUTH_AGE_UNKNOWN,
        };
        let filled = ledgerauth_key_state {
            size: 0,
            name: ledgerauth_str::of_option(state.notes.name.as_deref()),
            id: ledgerauth_str::of_option(state.notes.id.as_deref()),
            prefix: ledgerauth_str::of(&state.prefix),
            age,
            in_use: i32::from(state.in_use),
            ends_at: state.age.ends().map_or(0, UnixTime::as_millis),
            last_needed_at: state.last_needed.map_or(0, UnixTime::as_millis),
            refused: refused.as_deref().map_or(std::ptr::null(), std::ptr::from_ref),
        };
        // SAFETY: by the contract.
        unsafe { write_sized(state_out, &filled, "state_out") }
    })
}

/// Frees a list of keys; NULL is fine.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_key_states_free(states: *mut ledgerauth_key_states) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(states) };
}

/// What to do with a client's keys, and by when. The caller frees the plan.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_plan(
    client: *const ledgerauth_client,
    plan_out: *mut *mut ledgerauth_plan,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    make(plan_out, "plan_out", error_out, || {
        // SAFETY: by the contract.
        let plan = unsafe { get(client, "client") }?.client.rotation_plan();
        let text = plan.to_string();
        Ok(ledgerauth_plan { plan, text })
    })
}

/// The plan as lines for a person. It belongs to the plan.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_plan_lines(plan: *const ledgerauth_plan) -> ledgerauth_str {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(plan, ledgerauth_str::NONE, |plan| ledgerauth_str::of(&plan.text)) }
}

/// The number of steps.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_plan_count(plan: *const ledgerauth_plan) -> usize {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(plan, 0, |plan| plan.plan.steps.len()) }
}

/// The step of that number, counted from 0: what to do, and by when in milliseconds since 1970
/// UTC. Either output may be NULL. LEDGERAUTH_MISUSE if there are not so many. The text belongs to
/// the plan.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_plan_at(
    plan: *const ledgerauth_plan,
    index: usize,
    by_out: *mut u64,
    what_out: *mut ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let steps = unsafe { get(plan, "plan") }?.plan.steps.as_slice();
        let step = steps.get(index).ok_or_else(|| beyond("index", steps.len()))?;
        // SAFETY: by the contract.
        unsafe {
            offer(by_out, || step.by.as_millis());
            offer(what_out, || ledgerauth_str::of(&step.what));
        }
        Ok(())
    })
}

/// Frees a plan; NULL is fine.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_plan_free(plan: *mut ledgerauth_plan) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(plan) };
}

/// A key with its notes.
///
/// # Safety
/// Its texts stand there.
unsafe fn noted(key: &ledgerauth_ring_key) -> Result<Key, Fault> {
    // SAFETY: the caller's promise.
    let (text, name, id, integration, permissions) = unsafe {
        (
            key.text.text("text")?,
            key.name.given("name")?,
            key.id.given("id")?,
            key.integration.given("integration")?,
            texts(key.permissions, key.permission_count, "permissions")?,
        )
    };
    let notes = KeyNotes {
        name: name.map(str::to_owned),
        id: id.map(str::to_owned),
        created: (key.created_at > 0).then_some(UnixTime::from_millis(key.created_at)),
        permissions,
        integration: integration.map(str::to_owned),
    };
    let noted = Key::new(text).notes(notes);
    Ok(if key.relaxed == 0 { noted } else { noted.relaxed() })
}
