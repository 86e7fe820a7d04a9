//! What flags say, over what a file says.

use atd_runtime::gate::Grantee;

use super::settings::{AuditSettings, AuditTo, GateSettings, Settings};
use crate::cli::{AuditOptions, GateOptions, ServeOptions};

impl Settings {
    /// Each flag that is given takes the place of what was there.
    pub(crate) fn overridden_by(&mut self, options: &ServeOptions) {
        put_some(&mut self.socket, &options.socket.socket);
        put(&mut self.root, &options.root);
        put(&mut self.log, &options.log);
        put(&mut self.log_format, &options.log_format);
        put_some(&mut self.metrics, &options.metrics);
        put_some(&mut self.secrets, &options.secrets);
        self.gate.overridden_by(&options.gate);
        self.audit.overridden_by(&options.audit);
    }
}

impl GateSettings {
    pub(crate) fn overridden_by(&mut self, options: &GateOptions) {
        if !options.grants.is_empty() {
            let granted = options.grants.iter().filter(|grant| *grant != "none");
            let granted = granted.cloned().collect();
            self.grants.retain(|(to, _)| *to != Grantee::Everybody);
            self.grants.insert(0, (Grantee::Everybody, granted));
        }
        put_all(&mut self.users, &options.users);
        put_all(&mut self.roots, &options.roots);
        self.demand_proof |= options.demand_proof;
        put_some(&mut self.revoked, &options.revoked);
        put_some(&mut self.limits.caller_rate_per_min, &options.caller_rate);
        put(&mut self.limits.in_flight, &options.max_in_flight);
    }
}

impl AuditSettings {
    fn overridden_by(&mut self, options: &AuditOptions) {
        if let Some(to) = &options.audit {
            let word = AuditTo::word(to);
            self.to = Some(word.unwrap_or_else(|| AuditTo::File(to.into())));
        }
        put(&mut self.when_full, &options.audit_when_full);
        put(&mut self.sync, &options.audit_sync);
        self.strict |= options.audit_strict;
        self.chain |= options.audit_chain;
        put_some(&mut self.key, &options.audit_key);
        put_some(&mut self.sign_every, &options.audit_sign_every);
        put_some(&mut self.max_size, &options.audit_max_size);
        put_some(&mut self.max_age, &options.audit_max_age);
        put_some(&mut self.keep, &options.audit_keep);
        put_some(&mut self.keep_size, &options.audit_keep_size);
        put_all(&mut self.with, &options.audit_with);
    }
}

fn put<T: Clone>(to: &mut T, flag: &Option<T>) {
    if let Some(value) = flag {
        to.clone_from(value);
    }
}

fn put_some<T: Clone>(to: &mut Option<T>, flag: &Option<T>) {
    if flag.is_some() {
        to.clone_from(flag);
    }
}

fn put_all<T: Clone>(to: &mut Vec<T>, flags: &[T]) {
    if !flags.is_empty() {
        *to = flags.to_vec();
    }
}
