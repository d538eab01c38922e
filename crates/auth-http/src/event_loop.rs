//! `Delivery` on an event loop: waiting without holding a thread up.

use crate::delivery::{Delivery, Next};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

impl Delivery {
    /// What to do next, as [`Delivery::step`] says it, but without blocking a thread: a [`Next::Send`] or the end.
    ///
    /// `sleep` is the timer of the event loop, `tokio::time::sleep` for one. Tokens are fetched and stores asked by threads of the client's, which wake this task.
    /// The future may be dropped at any time, as `select!` does, and another asked for; nothing is lost by it.
    ///
    /// ```
    /// use auth_http::{Client, Credential, Next, Provider};
    ///
    /// # let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    /// # let mut whole = std::pin::pin!(async {
    /// let key = format!("test_sk_{}", "0a".repeat(24));
    /// let client = Client::builder(Provider::builtin("finora")?).credential(Credential::key(key)).build()?;
    /// let mut delivery = client.deliver("GET", "/v1/invoices", None)?;
    /// // Here there is nothing to wait for; else: `delivery.step_async(tokio::time::sleep)`.
    /// let next = delivery.step_async(|_| std::future::pending()).await;
    /// assert!(matches!(next, Next::Send(send) if send.fields().any(|(name, _)| name == "Authorization")));
    /// # Ok::<(), auth_http::Error>(())
    /// # });
    /// # assert!(matches!(std::future::Future::poll(whole.as_mut(), &mut context), std::task::Poll::Ready(Ok(()))));
    /// ```
    pub async fn step_async<S: Future<Output = ()>>(&mut self, sleep: impl Fn(Duration) -> S) -> Next {
        loop {
            let until = match self.poll() {
                Next::Wait(until) => until,
                next => return next,
            };
            let mut slept = pin!(sleep(until.since(self.now())));
            let woken = Arc::new(AtomicBool::new(false));
            poll_fn(|context| {
                if woken.load(Ordering::Acquire) || slept.as_mut().poll(context).is_ready() {
                    return Poll::Ready(());
                }
                // Called at once, it makes this task be polled again.
                let (woken, waker) = (Arc::clone(&woken), context.waker().clone());
                self.on_wake(move || {
                    woken.store(true, Ordering::Release);
                    waker.wake();
                });
                Poll::Pending
            })
            .await;
        }
    }
}
