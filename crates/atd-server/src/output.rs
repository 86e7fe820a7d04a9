//! Whether results are held against their tool's output schema.

/// What is done about a result that does not fit its tool's `output_schema`.
/// Looking costs a walk over every result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputCheck {
    /// Nobody looks.
    #[default]
    Off,
    /// It goes out; the log says so, and
    /// [`MetricsSnapshot::output_misfits`](crate::MetricsSnapshot::output_misfits)
    /// counts it.
    Warn,
    /// It does not go out: the call failed with `OUTPUT_INVALID`.
    Enforce,
}
