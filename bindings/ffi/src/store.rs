//! Token stores
//!
//! A client keeps its tokens in memory. Where a refresh token is spent by its use, or where many
//! processes share one account, they belong into a store: a database, a file, whatever a program
//! has. A store keeps one record for each id and hands out the lease on it:
//!
//! - claim: if nobody holds the lease by the store's own clock, it is the owner's for that span,
//!   and the store hands over its record, if it has one.
//! - save: if the lease is still the owner's, and the record in the store is of the generation that
//!   is to be replaced (0 if there is none), it is overwritten. Durable on return.
//! - release: gives the lease back, if it is still the owner's.
//! - load: hands over the record without the lease.
//!
//! A record is bytes that hold secrets: keep them where only this program can read them. Their
//! form is documented with the project and the same in every language. Callbacks are called from
//! any thread and from several at once; they must not throw, must not leave by longjmp, and must
//! not use their client.

use crate::error::{Fault, ledgerauth_error};
use crate::gate::{Gate, Userdata};
use crate::guard::guard;
use crate::input::{alone, read_sized, sized};
use crate::text::ledgerauth_str;
use auth_http::core::{Claim, Claimed, Lease, Record, Save, Saved, SharedPause};
use auth_http::{TokenStore, UnixTime};
use parking_lot::{Mutex, MutexGuard};
use std::ffi::c_void;
use std::sync::Arc;

/// A store's answer: it did what was asked.
pub const LEDGERAUTH_STORE_DONE: i32 = 0;
/// A store's answer: somebody else holds the lease, or was faster; nothing was done.
pub const LEDGERAUTH_STORE_TAKEN: i32 = 1;
/// A store's answer: it does not work; ledgerauth_stored_reason() may say why.
pub const LEDGERAUTH_STORE_DOWN: i32 = 2;

/// A store's answer to claim: it did what was asked, and the process that saved the record last has
/// died for certain, so that nobody waits for the answer to its token request any more. Where a
/// store cannot prove that, it answers LEDGERAUTH_STORE_DONE: it costs a wait of 45 seconds.
pub const LEDGERAUTH_STORE_HOLDER_DIED: i32 = 3;

/// What a store hands over while one of its callbacks runs.
pub struct ledgerauth_stored(Mutex<Stored>);

#[derive(Default)]
struct Stored {
    record: Option<Result<Record, String>>,
    reason: Option<String>,
    pause: Option<SharedPause>,
}

/// What is to be saved. It lives for as long as the callback runs.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_save {
    /// sizeof(ledgerauth_save) of the library.
    pub size: usize,
    /// The record.
    pub record: ledgerauth_str,
    /// Its generation.
    pub generation: u64,
    /// The generation that the store must hold for this to be right; 0 if it holds none.
    pub replaces: u64,
    /// Who holds the lease; 0 if the store was down when it was asked for one.
    pub owner: u64,
}
sized!(ledgerauth_save, owner: u64);

/// A store of the program's own. All but pause and paused have to be there.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_store {
    /// sizeof(ledgerauth_store).
    pub size: usize,
    /// Handed to every callback.
    pub userdata: *mut c_void,
    /// Takes the lease on an id for span_ms milliseconds: LEDGERAUTH_STORE_DONE, and the record by
    /// ledgerauth_stored_record() if there is one; LEDGERAUTH_STORE_TAKEN; LEDGERAUTH_STORE_DOWN.
    /// LEDGERAUTH_STORE_HOLDER_DIED is LEDGERAUTH_STORE_DONE with a proof.
    pub claim: Option<
        unsafe extern "C" fn(userdata: *mut c_void, id: ledgerauth_str, owner: u64, span_ms: u64, stored: *mut ledgerauth_stored) -> i32,
    >,
    /// Keeps a record: LEDGERAUTH_STORE_DONE, _TAKEN or _DOWN.
    pub save: Option<
        unsafe extern "C" fn(
            userdata: *mut c_void,
            id: ledgerauth_str,
            save: *const ledgerauth_save,
            stored: *mut ledgerauth_stored,
        ) -> i32,
    >,
    /// Gives the lease back, if it is still the owner's.
    pub release: Option<unsafe extern "C" fn(userdata: *mut c_void, id: ledgerauth_str, owner: u64)>,
    /// Hands over the record without the lease: LEDGERAUTH_STORE_DONE or _DOWN.
    pub load: Option<unsafe extern "C" fn(userdata: *mut c_void, id: ledgerauth_str, stored: *mut ledgerauth_stored) -> i32>,
    /// Keeps a limit that was met, for all that share the store, until a moment in milliseconds
    /// since 1970 UTC.
    pub pause: Option<unsafe extern "C" fn(userdata: *mut c_void, id: ledgerauth_str, until: u64, why: ledgerauth_str)>,
    /// Hands over the limit that is in force, by ledgerauth_stored_pause(), if there is one.
    pub paused: Option<unsafe extern "C" fn(userdata: *mut c_void, id: ledgerauth_str, stored: *mut ledgerauth_stored)>,
}
sized!(ledgerauth_store, paused: Option<unsafe extern "C" fn(userdata: *mut c_void, id: ledgerauth_str, stored: *mut ledgerauth_stored)>);

/// Hands over a record from within claim or load.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_stored_record(
    stored: *mut ledgerauth_stored,
    record: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let record = Record::from_bytes(record.bytes("record")?).map_err(|error| error.to_string());
        held(stored)?.record = Some(record);
        Ok(())
    })
}

/// Says why the store does not work, from within claim, save or load.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_stored_reason(
    stored: *mut ledgerauth_stored,
    reason: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let reason = reason.text("reason")?.to_owned();
        held(stored)?.reason = Some(reason);
        Ok(())
    })
}

/// Hands over a limit that is in force, from within paused: until when in milliseconds since 1970
/// UTC, and why.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_stored_pause(
    stored: *mut ledgerauth_stored,
    until: u64,
    why: ledgerauth_str,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let limit = limit(until, why)?;
        held(stored)?.pause = Some(limit);
        Ok(())
    })
}

/// What a store hands over, for this thread alone.
///
/// # Safety
/// The handle is NULL or live.
unsafe fn held<'a>(stored: *const ledgerauth_stored) -> Result<MutexGuard<'a, Stored>, Fault> {
    // SAFETY: the caller's promise.
    unsafe { alone(stored, "stored", |stored| &stored.0) }
}

/// A limit that is in force until a moment, in the program's words.
///
/// # Safety
/// The text stands there.
pub(crate) unsafe fn limit(until: u64, why: ledgerauth_str) -> Result<SharedPause, Fault> {
    // SAFETY: the caller's promise.
    let why = unsafe { why.text("why") }?.to_owned();
    Ok(SharedPause { until: UnixTime::from_millis(until), why })
}

/// The program's store, if it has one.
///
/// # Safety
/// The table is NULL or there.
pub(crate) unsafe fn given_store(table: *const ledgerauth_store, gate: &Arc<Gate>) -> Result<Option<Arc<dyn TokenStore>>, Fault> {
    if table.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's promise.
    let table = unsafe { read_sized(table, "store") }?;
    let needed = [
        (table.claim.is_some(), "claim"),
        (table.save.is_some(), "save"),
        (table.release.is_some(), "release"),
        (table.load.is_some(), "load"),
    ];
    for (is_there, name) in needed {
        if !is_there {
            return Err(crate::input::null(name));
        }
    }
    Ok(Some(Arc::new(Own { userdata: Userdata(table.userdata), table: Table(table), gate: Arc::clone(gate) })))
}

/// A store that the program brings.
struct Own {
    table: Table,
    userdata: Userdata,
    gate: Arc<Gate>,
}

/// The program's functions.
struct Table(ledgerauth_store);

// SAFETY: functions, and a pointer that the library never looks behind; the header says that callbacks are called from several threads.
unsafe impl Send for Table {}
// SAFETY: as above.
unsafe impl Sync for Table {}

impl Own {
    /// Calls back with a place to hand things over; what the callback returned, and what it handed over.
    fn ask(&self, call: impl FnOnce(*mut c_void, *mut ledgerauth_stored) -> i32) -> (i32, Stored) {
        let mut stored = ledgerauth_stored(Mutex::default());
        let status = self.gate.call(|| call(self.userdata.0, &raw mut stored));
        (status.unwrap_or(LEDGERAUTH_STORE_DOWN), stored.0.into_inner())
    }
}

impl TokenStore for Own {
    fn claim(&self, id: &str, claim: &Claim) -> Claimed {
        let Some(callback) = self.table.0.claim else { return Claimed::Down(gone()) };
        let span = u64::try_from(claim.span.as_millis()).unwrap_or(u64::MAX);
        // SAFETY: the program's function, called as the header says.
        let (status, stored) =
            self.ask(|userdata, stored| unsafe { callback(userdata, ledgerauth_str::of(id), claim.owner, span, stored) });
        match (status, stored.record) {
            (LEDGERAUTH_STORE_DONE | LEDGERAUTH_STORE_HOLDER_DIED, Some(Err(unreadable))) => Claimed::Down(unreadable),
            (LEDGERAUTH_STORE_DONE, record) => Claimed::Granted(record.and_then(Result::ok)),
            (LEDGERAUTH_STORE_HOLDER_DIED, record) => Claimed::TakenOver(record.and_then(Result::ok)),
            (LEDGERAUTH_STORE_TAKEN, _) => Claimed::Busy,
            _ => Claimed::Down(stored.reason.unwrap_or_else(gone)),
        }
    }

    fn load(&self, id: &str) -> Result<Option<Record>, String> {
        let Some(callback) = self.table.0.load else { return Err(gone()) };
        // SAFETY: the program's function, called as the header says.
        let (status, stored) = self.ask(|userdata, stored| unsafe { callback(userdata, ledgerauth_str::of(id), stored) });
        match status {
            LEDGERAUTH_STORE_DONE => stored.record.transpose(),
            _ => Err(stored.reason.unwrap_or_else(gone)),
        }
    }

    fn save(&self, id: &str, save: &Save) -> Saved {
        let Some(callback) = self.table.0.save else { return Saved::Down(gone()) };
        let bytes = save.record.to_bytes();
        let seen = seen(save, &bytes);
        // SAFETY: the program's function, called as the header says; the record outlives the call.
        let (status, stored) = self.ask(|userdata, stored| unsafe { callback(userdata, ledgerauth_str::of(id), &raw const seen, stored) });
        match status {
            LEDGERAUTH_STORE_DONE => Saved::Durable,
            LEDGERAUTH_STORE_TAKEN => Saved::Superseded,
            _ => Saved::Down(stored.reason.unwrap_or_else(gone)),
        }
    }

    fn release(&self, id: &str, lease: &Lease) {
        if let Some(callback) = self.table.0.release {
            // SAFETY: the program's function, called as the header says.
            self.gate.call(|| unsafe { callback(self.userdata.0, ledgerauth_str::of(id), lease.owner) });
        }
    }

    fn shares_pauses(&self) -> bool {
        self.table.0.pause.is_some() && self.table.0.paused.is_some()
    }

    fn pause(&self, id: &str, pause: &SharedPause) {
        if let Some(callback) = self.table.0.pause {
            let (until, why) = (pause.until.as_millis(), ledgerauth_str::of(&pause.why));
            // SAFETY: the program's function, called as the header says.
            self.gate.call(|| unsafe { callback(self.userdata.0, ledgerauth_str::of(id), until, why) });
        }
    }

    fn paused(&self, id: &str) -> Option<SharedPause> {
        let callback = self.table.0.paused?;
        let ask = |userdata, stored| {
            // SAFETY: the program's function, called as the header says.
            unsafe { callback(userdata, ledgerauth_str::of(id), stored) };
            LEDGERAUTH_STORE_DONE
        };
        self.ask(ask).1.pause
    }
}

/// What a program sees of a save; `bytes` are its record's.
pub(crate) fn seen(save: &Save, bytes: &[u8]) -> ledgerauth_save {
    ledgerauth_save {
        size: size_of::<ledgerauth_save>(),
        record: ledgerauth_str::of_bytes(bytes),
        generation: save.record.generation,
        replaces: save.replaces,
        owner: save.lease.as_ref().map_or(0, |lease| lease.owner),
    }
}

fn gone() -> String {
    "the program's store gave no reason".into()
}
