//! The lock of flights. With the feature `loom` it is that of loom, whose tests run through the orders in which
//! threads can meet (`scripts/loom`).

#[cfg(feature = "loom")]
pub(crate) use checked::Mutex;
#[cfg(not(feature = "loom"))]
pub(crate) use parking_lot::Mutex;

#[cfg(feature = "loom")]
mod checked {
    use std::sync::PoisonError;

    use loom::sync::MutexGuard;

    /// The lock of loom with the functions of `parking_lot`.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl<T: Default> Default for Mutex<T> {
        fn default() -> Self {
            Mutex::new(T::default())
        }
    }
}
