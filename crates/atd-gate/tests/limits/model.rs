//! D4: the gate against a plain model of it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use atd_gate::{CallLimits, Gate, Grantee, Identity, PeerCredentials, Refusal, Requirement, Scope};
use atd_proto::{CapabilitySet, Hello, ToolDefinition};
use proptest::prelude::*;

use super::world::*;

const CAPABILITIES: [&str; 3] = ["admin", "read", "write"];

#[derive(Clone, Debug)]
enum Step {
    /// A call of a tool by a caller, who keeps its place until `End`.
    Call {
        caller: usize,
        tool: usize,
    },
    End {
        call: usize,
    },
    Pass {
        millis: u64,
    },
    Hello {
        caller: usize,
        asks: Vec<&'static str>,
    },
    Limits {
        in_flight: u32,
        caller: u32,
        caller_tool: u32,
    },
    /// A tool is replaced by one with other limits.
    Replace {
        tool: usize,
        with: Tool,
    },
}

#[derive(Clone, Debug)]
struct Tool {
    requires: Vec<&'static str>,
    max_concurrent: u32,
    per_min: Option<u32>,
}

fn some_capabilities() -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(CAPABILITIES.to_vec()), 0..3)
}

fn a_tool() -> impl Strategy<Value = Tool> {
    let requires = prop_oneof![3 => Just(Vec::new()), 1 => some_capabilities()];
    (requires, 0_u32..4, prop::option::of(0_u32..6)).prop_map(
        |(requires, max_concurrent, per_min)| Tool {
            requires,
            max_concurrent,
            per_min,
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0_usize..3, 0_usize..3).prop_map(|(caller, tool)| Step::Call { caller, tool }),
        4 => (0_usize..8).prop_map(|call| Step::End { call }),
        3 => (0_u64..40_000).prop_map(|millis| Step::Pass { millis }),
        1 => (0_usize..3, some_capabilities()).prop_map(|(caller, asks)| Step::Hello { caller, asks }),
        1 => (1_u32..6, 0_u32..12, 0_u32..6).prop_map(|(in_flight, caller, caller_tool)| {
            Step::Limits { in_flight, caller, caller_tool }
        }),
        1 => (0_usize..3, a_tool()).prop_map(|(tool, with)| Step::Replace { tool, with }),
    ]
}

/// A call that was let through.
struct Call {
    at: u64,
    caller: usize,
    tool: usize,
    /// Of the rates of the tool, the caller, and both, those that there were
    /// when it came: a limit counts the calls of its own time.
    counted: [bool; 3],
}

/// Everything that was ever let through, and what counts now.
struct Model {
    now: u64,
    tools: Vec<Tool>,
    limits: (u32, u32, u32),
    held: BTreeMap<usize, CapabilitySet>,
    calls: Vec<Call>,
    /// The tool of each call in flight, and whether it had a limit on those
    /// when the call came.
    running: Vec<(usize, bool)>,
}

impl Model {
    /// What stops a call: nothing, a capability, or a limit.
    fn stops(&self, caller: usize, tool: usize) -> Option<Stop> {
        let none = CapabilitySet::EMPTY;
        let held = self.held.get(&caller).unwrap_or(&none);
        let requires = &self.tools[tool].requires;
        if requires.iter().any(|one| !held.contains(one)) {
            return Some(Stop::Capability);
        }
        let over_a_rate = self.over_a_rate(caller, tool);
        over_a_rate.or_else(|| self.without_a_place(tool))
    }

    fn without_a_place(&self, tool: usize) -> Option<Stop> {
        let most = self.tools[tool].max_concurrent;
        let at_a_time = self.running.iter().filter(|it| **it == (tool, true));
        if most > 0 && at_a_time.count() >= most as usize {
            return Some(Stop::Limit(Scope::Concurrency, most, None));
        }
        let (in_flight, ..) = self.limits;
        let is_full = self.running.len() >= in_flight as usize;
        is_full.then_some(Stop::Limit(Scope::ServerConcurrency, in_flight, None))
    }

    fn over_a_rate(&self, caller: usize, tool: usize) -> Option<Stop> {
        let rates = self.rates(tool);
        let scopes = [Scope::ToolRate, Scope::CallerRate, Scope::CallerToolRate];
        (0..3).find_map(|rate| {
            let limit = rates[rate]?;
            let counts = |call: &&Call| {
                let of_caller = rate == 0 || call.caller == caller;
                let of_tool = rate == 1 || call.tool == tool;
                call.counted[rate] && of_caller && of_tool && self.now - call.at < 60_000
            };
            let inside: Vec<u64> = self.calls.iter().filter(counts).map(|it| it.at).collect();
            let over = inside.len().checked_sub(limit as usize)?;
            let wait = inside.get(over).map(|at| at + 60_000 - self.now);
            Some(Stop::Limit(scopes[rate], limit, wait))
        })
    }

    /// The limits a minute: the tool's, the caller's, and of both.
    fn rates(&self, tool: usize) -> [Option<u32>; 3] {
        let (_, caller, caller_tool) = self.limits;
        let said = |limit| (limit > 0).then_some(limit);
        [self.tools[tool].per_min, said(caller), said(caller_tool)]
    }

    fn let_in(&mut self, caller: usize, tool: usize) {
        let counted = self.rates(tool).map(|rate| rate.is_some());
        let placed = self.tools[tool].max_concurrent > 0;
        self.running.push((tool, placed));
        self.calls.push(Call {
            at: self.now,
            caller,
            tool,
            counted,
        });
    }
}

#[derive(Debug, PartialEq)]
enum Stop {
    Capability,
    Limit(Scope, u32, Option<u64>),
}

fn found(refusal: &Refusal) -> Stop {
    match refusal {
        Refusal::CapabilityDenied { .. } => Stop::Capability,
        limit => {
            let (scope, number, wait) = reached(limit);
            Stop::Limit(scope, number, wait.map(|it| it.as_millis() as u64))
        }
    }
}

fn definition(index: usize, tool: &Tool) -> ToolDefinition {
    let built = ToolDefinition::builder(format!("a:b.t{index}"), "")
        .requires(tool.requires.iter().copied())
        .max_concurrent(tool.max_concurrent);
    match tool.per_min {
        Some(calls) => built.rate_limit_per_min(calls).build(),
        None => built.build(),
    }
}

fn said((in_flight, caller, caller_tool): (u32, u32, u32)) -> CallLimits {
    limits(|it| {
        it.in_flight = nonzero(in_flight).unwrap();
        it.caller_rate_per_min = nonzero(caller);
        it.caller_tool_rate_per_min = nonzero(caller_tool);
    })
}

/// Two users, and one whom nobody vouches for.
fn callers(gate: &Gate) -> Vec<Identity> {
    let peer = |uid| PeerCredentials {
        uid,
        gid: 0,
        pid: None,
    };
    let users = [Some(peer(0)), Some(peer(1)), None];
    users.map(|peer| gate.connect(peer).unwrap()).into()
}

struct World<'a> {
    gate: &'a Gate,
    clock: atd_gate::FakeClock,
    identities: Vec<Identity>,
    /// Permits of both kinds.
    running: Vec<Box<dyn Debug + 'a>>,
    model: Model,
}

/// In flight, of one caller, of one caller and tool.
const START: (u32, u32, u32) = (4, 0, 3);

fn gate() -> (Gate, atd_gate::FakeClock) {
    let clock = atd_gate::FakeClock::default();
    let gate = Gate::builder()
        .clock(clock.clone())
        .allow(["read"])
        .allow_uid(0)
        .allow_uid(1)
        .grant(Grantee::Uid(1), ["write"])
        .limits(said(START))
        .build();
    (gate, clock)
}

impl<'a> World<'a> {
    fn new(gate: &'a Gate, clock: atd_gate::FakeClock, tools: Vec<Tool>) -> Self {
        let identities = callers(gate);
        let model = Model {
            now: 0,
            tools,
            limits: START,
            held: BTreeMap::new(),
            calls: Vec::new(),
            running: Vec::new(),
        };
        Self {
            gate,
            clock,
            identities,
            running: Vec::new(),
            model,
        }
    }

    fn call(&mut self, caller: usize, tool: usize) -> Result<(), TestCaseError> {
        let model = &mut self.model;
        let expected = model.stops(caller, tool);
        let definition = definition(tool, &model.tools[tool]);
        let need = Requirement::of(&definition);
        let explained = self.gate.explain(&self.identities[caller], &need);
        prop_assert_eq!(explained.admitted, expected.is_none(), "{}", explained);
        match self.gate.admit(&self.identities[caller], &need) {
            Ok(permit) => {
                prop_assert_eq!(None, expected);
                model.let_in(caller, tool);
                self.running.push(match tool {
                    0 => Box::new(permit.into_owned()),
                    _ => Box::new(permit),
                });
            }
            Err(refusal) => prop_assert_eq!(Some(found(&refusal)), expected),
        }
        Ok(())
    }

    fn take(&mut self, step: Step) -> Result<(), TestCaseError> {
        let model = &mut self.model;
        match step {
            Step::Call { caller, tool } => self.call(caller, tool)?,
            Step::End { call } if call < self.running.len() => {
                drop(self.running.remove(call));
                model.running.remove(call);
            }
            Step::End { .. } => {}
            Step::Pass { millis } => {
                model.now += millis;
                self.clock.advance(Duration::from_millis(millis));
            }
            Step::Hello { caller, asks } => {
                let granted = asks.iter().copied().filter(|one| match *one {
                    "read" => true,
                    "write" => caller == 1,
                    _ => false,
                });
                model.held.insert(caller, granted.collect());
                let hello = Hello {
                    requested_capabilities: asks.into_iter().collect(),
                    ..Hello::default()
                };
                let identity = &mut self.identities[caller];
                *identity = self.gate.hello(identity, &hello).unwrap();
            }
            Step::Limits {
                in_flight,
                caller,
                caller_tool,
            } => {
                model.limits = (in_flight, caller, caller_tool);
                self.gate.set_limits(said(model.limits));
            }
            Step::Replace { tool, with } => model.tools[tool] = with,
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    /// D4: more than 100,000 calls in 5,000 random histories: each is let
    /// through, or refused for the same reason with the same wait, as a plain
    /// model says; and `explain` agrees.
    #[test]
    fn d4_the_gate_does_as_a_plain_model_says(
        tools in prop::collection::vec(a_tool(), 3),
        steps in prop::collection::vec(step(), 40),
    ) {
        let (gate, clock) = gate();
        let mut world = World::new(&gate, clock, tools);
        for step in steps {
            world.take(step)?;
        }
    }
}
