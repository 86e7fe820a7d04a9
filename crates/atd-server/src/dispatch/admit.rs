//! Step 2: letting a call in, at once or when its turn comes.

use atd_gate::{Permit, Refusal, Requirement};
use atd_proto::ToolDefinition;
use tokio::time::Instant;

use super::Dispatcher;
use super::context::unless_stopped;
use super::error::CallError;
use crate::clock;
use crate::control::CallControl;
use crate::session::Session;

impl Dispatcher {
    /// The turn of a call that met a limit, where calls may wait for one. It
    /// waits no longer than its deadline, and not once somebody stopped it.
    pub(super) async fn in_turn(
        &self,
        refusal: Refusal,
        session: &Session,
        definition: &ToolDefinition,
        deadline: Instant,
        control: &CallControl,
    ) -> Result<Permit<'_>, CallError> {
        let limited = matches!(refusal, Refusal::RateLimited { .. });
        if !limited || self.gate.limits().waiting == 0 {
            return Err(refusal.into());
        }
        let patience = deadline.saturating_duration_since(clock::now());
        let need = Requirement::of(definition);
        let turn = self.gate.admit_in_turn(session.identity(), &need, patience);
        let admitted = async { turn.await.map_err(CallError::from) };
        // Cancelled: the line is left, and the next one in it is let forward.
        unless_stopped(control, admitted).await
    }
}
