//! A declared tool.

use atd_runtime::proto::{
    SafetyLevel, Tier, ToolDefinition, ToolError, TrustLevel, Visibility, check_tool_id,
};

use super::{Declared, cli, schema};
use crate::config::files::Files;
use crate::config::reader::{FromItem, Item, Section};
use crate::config::sections::capabilities;

/// The words of a definition, as the wire has them.
const TIERS: [(&str, Tier); 3] = [
    ("hot", Tier::Hot),
    ("warm", Tier::Warm),
    ("cold", Tier::Cold),
];
const VISIBILITIES: [(&str, Visibility); 5] = [
    ("read", Visibility::Read),
    ("write", Visibility::Write),
    ("dangerous", Visibility::Dangerous),
    ("system", Visibility::System),
    ("hidden", Visibility::Hidden),
];
const SAFETY_LEVELS: [(&str, SafetyLevel); 6] = [
    ("Read", SafetyLevel::Read),
    ("Write", SafetyLevel::Write),
    ("Financial", SafetyLevel::Financial),
    ("Privacy", SafetyLevel::Privacy),
    ("Physical", SafetyLevel::Physical),
    ("Destructive", SafetyLevel::Destructive),
];
const TRUST_LEVELS: [(&str, TrustLevel); 5] = [
    ("L0Unverified", TrustLevel::L0Unverified),
    ("L1SchemaValid", TrustLevel::L1SchemaValid),
    ("L2Tested", TrustLevel::L2Tested),
    ("L3Verified", TrustLevel::L3Verified),
    ("L4Certified", TrustLevel::L4Certified),
];

/// Reads one `[[tool]]`: its definition with the fields that the wire has, and
/// in `cli` how it is carried out.
///
/// The definition that clients see has no binding: they cannot start the
/// program, and its environment is not for them to read.
pub(super) fn read(section: &mut Section<'_>, files: &Files) -> Option<Declared> {
    let id = section.need_with("id", |item| {
        let id = item.text()?;
        let checked = check_tool_id(id).map_err(|error| item.problem(error));
        checked.ok().map(|()| (id.to_owned(), item.place()))
    });
    let description: Option<String> = section.need("description");
    let complete = id.is_some() && description.is_some();
    let (id, place) = id.unzip();
    let builder = ToolDefinition::builder(id.unwrap_or_default(), description.unwrap_or_default());
    // What else it says is read in any case: that may be wrong as well.
    let mut definition = builder.build();
    let dry_run = describe(section, &mut definition, files);
    let program = cli::read(section, &mut definition)?;
    if let Some(item) = dry_run {
        check_dry_run(&item, &definition);
    }
    complete.then_some(Declared {
        definition,
        program,
        place: place?,
    })
}

/// A tool handles dry runs if its program has a flag for it: to say so is
/// needless, and to say something else wrong.
fn check_dry_run(item: &Item<'_>, definition: &ToolDefinition) {
    match (bool::from_item(item), definition.safety.dry_run) {
        (Some(true), false) => {
            item.problem("nothing tells the program of a dry run: say `cli.dry_run_flag` too");
        }
        (Some(false), true) => item.problem("`cli.dry_run_flag` says that it has dry runs"),
        _ => {}
    }
}

/// Reads what there is beside the id, the description and the program, and
/// returns what is said of dry runs, to be held against the program.
fn describe<'a>(
    section: &mut Section<'a>,
    definition: &mut ToolDefinition,
    files: &Files,
) -> Option<Item<'a>> {
    section.set("name", &mut definition.name);
    section.set("version", &mut definition.version);
    section.within("capability", |section| {
        section.set("domain", &mut definition.capability.domain);
        section.set("actions", &mut definition.capability.actions);
        section.set("tags", &mut definition.capability.tags);
        let examples = &mut definition.capability.intent_examples;
        section.set("intent_examples", examples);
    });
    let schema = |item: &Item<'_>| schema::read(item, files);
    section.set_with("input_schema", &mut definition.input_schema, schema);
    section.set_with("output_schema", &mut definition.output_schema, schema);
    let dry_run = section.within("safety", |section| {
        let safety = &mut definition.safety;
        section.set_with("level", &mut safety.level, |item| item.word(&SAFETY_LEVELS));
        section.set("side_effects", &mut safety.side_effects);
        section.set("data_sensitivity", &mut safety.data_sensitivity);
        section.item("dry_run")
    });
    section.within("resources", |section| {
        let resources = &mut definition.resources;
        section.set("timeout_ms", &mut resources.timeout_ms);
        section.set("max_concurrent", &mut resources.max_concurrent);
        section.set("rate_limit_per_min", &mut resources.rate_limit_per_min);
        section.set("estimated_tokens", &mut resources.estimated_tokens);
    });
    section.within("trust", |section| {
        let trust = &mut definition.trust;
        section.set("publisher", &mut trust.publisher);
        section.set_with("trust_level", &mut trust.trust_level, |item| {
            item.word(&TRUST_LEVELS)
        });
    });
    let words = |item: &Item<'_>| item.word(&VISIBILITIES);
    section.set_with("visibility", &mut definition.visibility, words);
    let required = &mut definition.required_capabilities;
    section.set_with("required_capabilities", required, |item| {
        Some(capabilities(item)?.into())
    });
    section.set_with("tier", &mut definition.tier, |item| {
        item.word(&TIERS).map(Some)
    });
    let errors = section.each("errors", error);
    definition.errors = errors.into_iter().flatten().collect();
    dry_run?
}

fn error(section: &mut Section<'_>) -> Option<ToolError> {
    let code = section.need("code");
    let description = section.get("description").unwrap_or_default();
    let retryable = section.get("retryable").unwrap_or_default();
    Some(ToolError {
        code: code?,
        description,
        retryable,
    })
}
