use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use crate::api::{Adaas, Finora, Numeric, Numora};
use crate::clock::{Clock, http_date};
use crate::dice::Dice;
use crate::fault::FaultBook;
use crate::journal::Journal;
use crate::limits::{Limiter, RateLimits};
use crate::options::Options;
use crate::service::Service;

/// What tests may change while the sandbox runs.
pub(crate) struct Settings {
    pub(crate) numeric_token_seconds: AtomicU64,
    pub(crate) adaas_token_seconds: AtomicU64,
    pub(crate) token_delay_millis: AtomicU64,
    pub(crate) rotate_refresh_tokens: AtomicBool,
    pub(crate) reuse_grace_seconds: AtomicU64,
    pub(crate) documents_ready_after: AtomicU32,
    pub(crate) require_business_id: AtomicBool,
    pub(crate) numeric_scheme: RwLock<String>,
    pub(crate) date_skew_seconds: AtomicI64,
}

impl Settings {
    fn new() -> Self {
        Self {
            numeric_token_seconds: AtomicU64::new(3600),
            adaas_token_seconds: AtomicU64::new(3600),
            token_delay_millis: AtomicU64::new(0),
            rotate_refresh_tokens: AtomicBool::new(false),
            reuse_grace_seconds: AtomicU64::new(0),
            documents_ready_after: AtomicU32::new(1),
            require_business_id: AtomicBool::new(false),
            numeric_scheme: RwLock::new("Bearer".to_owned()),
            date_skew_seconds: AtomicI64::new(0),
        }
    }

    pub(crate) fn set_token_lifetime(&self, service: Service, seconds: u64) {
        match service {
            Service::NumericAuth => &self.numeric_token_seconds,
            Service::AdaasAuth => &self.adaas_token_seconds,
            _ => return,
        }
        .store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn token_delay(&self) -> Duration {
        Duration::from_millis(self.token_delay_millis.load(Ordering::Relaxed))
    }
}

/// Everything the services of one sandbox share. Each system's state has a lock of its own.
pub(crate) struct Shared {
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) faults: FaultBook,
    pub(crate) dice: Dice,
    pub(crate) settings: Settings,
    pub(crate) limiters: [Limiter; 8],
    pub(crate) urls: OnceLock<[String; 8]>,
    pub(crate) numeric: Mutex<Numeric>,
    pub(crate) numora: Mutex<Numora>,
    pub(crate) adaas: Mutex<Adaas>,
    pub(crate) finora: Mutex<Finora>,
}

impl Shared {
    pub(crate) fn new(options: &Options) -> io::Result<Self> {
        let dice = Dice::new(options.seed)?;
        let finora = Finora::new(&dice);
        Ok(Self {
            clock: Clock::default(),
            journal: Journal::new(options.log_capacity),
            faults: FaultBook::default(),
            dice,
            settings: Settings::new(),
            limiters: Service::ALL.map(|service| {
                let limits = if options.limits { documented_limits(service) } else { RateLimits::default() };
                Limiter::new(service == Service::Finora, limits)
            }),
            urls: OnceLock::new(),
            numeric: Mutex::default(),
            numora: Mutex::default(),
            adaas: Mutex::default(),
            finora: Mutex::new(finora),
        })
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now_millis()
    }

    pub(crate) fn limiter(&self, service: Service) -> &Limiter {
        &self.limiters[service.index()]
    }

    pub(crate) fn url(&self, service: Service) -> String {
        self.urls.get().map(|urls| urls[service.index()].clone()).unwrap_or_default()
    }

    /// The `Date` header: the server's clock and the lie on top of it.
    pub(crate) fn date(&self) -> String {
        let skew = self.settings.date_skew_seconds.load(Ordering::Relaxed);
        http_date(self.now().saturating_add_signed(skew.saturating_mul(1000)))
    }
}

fn documented_limits(service: Service) -> RateLimits {
    match service {
        Service::Finora => RateLimits { per_minute: Some(60), per_hour: Some(1000), per_day: Some(10_000), concurrent: Some(10) },
        Service::AdaasApi => RateLimits { per_minute: Some(1000), ..RateLimits::default() },
        _ => RateLimits::default(),
    }
}
