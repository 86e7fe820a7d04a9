//! Pins the bytes of every message: other people's programs depend on them.

use atd_proto::{
    BindingConfig, BindingProtocol, CapabilitySet, CliConfig, ErrorBody, ErrorCode, Hello,
    HelloAck, JsonText, OutputFormat, Progress, Request, Response, RunTool, RunToolContinue,
    SafetyLevel, Tier, ToolDefinition, ToolFilter, ToolResult, TrustLevel, Visibility, extension,
};
use serde_json::json;

fn requests() -> Vec<Request> {
    vec![
        Request::Ping,
        Request::Hello(Hello::default()),
        Request::Hello(Hello {
            client_id: Some("agent \"7\"\n".into()),
            requested_capabilities: CapabilitySet::from_iter(["write", "read"]),
            ucan_tokens: vec!["a.b.c".into()],
            proof: None,
        }),
        Request::ToolList(ToolFilter::default()),
        Request::ToolSchema {
            tool_id: "ref:fs.read".into(),
        },
        Request::RunTool(RunTool {
            tool_id: "ref:echo.say".into(),
            args: JsonText::parse(r#"{"b":1e999, "a":123456789012345678901234567890}"#).unwrap(),
            dry_run: false,
            traceparent: None,
        }),
        Request::RunTool(RunTool {
            tool_id: "ref:echo.say".into(),
            args: JsonText::parse("null").unwrap(),
            dry_run: true,
            traceparent: None,
        }),
        Request::RunToolContinue(RunToolContinue {
            tool_id: "ref:fs.read".into(),
            cursor: "opaque".into(),
            traceparent: None,
        }),
        Request::ToolList(ToolFilter {
            query: Some("read \"me\"".into()),
            domain: Some("fs".into()),
            tier: Some(Tier::Hot),
            visibility: Some(Visibility::Write),
            limit: Some(10),
            omit_schemas: true,
        }),
        Request::Cancel {
            request_id: u64::MAX,
        },
        Request::Hello(Hello {
            client_id: Some("did:key:z6Mk".into()),
            ucan_tokens: vec!["a.b.c".into()],
            proof: Some("c2ln".into()),
            ..Hello::default()
        }),
    ]
}

fn definition() -> ToolDefinition {
    let mut definition = ToolDefinition::builder("demo:git.log", "The log of a repository")
        .name("git log")
        .version("1.2.0")
        .tags(["git"])
        .intent_examples(["what changed?"])
        .input_schema(json!({"type": "object"}))
        .output_schema(json!({"type": "array"}))
        .binding(BindingConfig {
            protocol: BindingProtocol::Cli,
            config: json!({"cmd": "git"}),
        })
        .safety_level(SafetyLevel::Privacy)
        .handles_dry_run()
        .side_effects(["runs git"])
        .data_sensitivity("internal")
        .timeout(std::time::Duration::from_secs(3))
        .max_concurrent(4)
        .rate_limit_per_min(600)
        .estimated_tokens(2000)
        .publisher("example", TrustLevel::L2Tested)
        .visibility(Visibility::Dangerous)
        .requires(["git.read", "exec"])
        .tier(Tier::Cold)
        .error("auth_required", "log in first", false)
        .build();
    definition.trust.signature = Some(vec![0, 255]);
    definition
}

fn responses() -> Vec<Response> {
    let bare = ToolDefinition::builder("ref:echo.say", "Says it back").build();
    let ran = ToolResult {
        tool_id: "ref:echo.say".into(),
        result: JsonText::parse(r#"{"n":10000000000000000000000001}"#).unwrap(),
        success: true,
        dry_run: false,
        next_cursor: None,
    };
    vec![
        Response::Pong,
        Response::HelloAck(HelloAck {
            granted_capabilities: CapabilitySet::from_iter(["write", "read"]),
            server_version: "atd 0.1.0".into(),
            supported_tiers: Tier::ALL.to_vec(),
            extensions: vec![],
        }),
        Response::HelloAck(HelloAck {
            granted_capabilities: CapabilitySet::default(),
            server_version: "atd 0.1.0".into(),
            supported_tiers: vec![],
            extensions: extension::ALL.map(str::to_owned).to_vec(),
        }),
        Response::ToolList {
            tools: vec![bare.summary(), definition().summary()],
        },
        Response::ToolSchema {
            schema: Box::new(bare),
        },
        Response::ToolSchema {
            schema: Box::new(definition()),
        },
        Response::ToolResult(ran.clone()),
        Response::ToolResult(ToolResult {
            success: false,
            dry_run: true,
            next_cursor: Some("opaque \"cursor\"".into()),
            ..ran
        }),
        Response::Error(ErrorBody {
            message: "plain".into(),
            code: None,
            retryable: None,
            details: None,
        }),
        Response::Error(
            ErrorBody::new(ErrorCode::CAPABILITY_DENIED, "no")
                .with_details(json!({"granted": [], "missing": ["read"], "required": ["read"]})),
        ),
        Response::Progress(Progress {
            done: 3,
            total: None,
            message: None,
        }),
        Response::Progress(Progress {
            done: 3,
            total: Some(u64::MAX),
            message: Some("a \"third\"".into()),
        }),
    ]
}

fn encoded(encode: impl Fn(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    encode(&mut out);
    String::from_utf8(out).unwrap()
}

/// Compares line by line so that a difference names its message.
fn check(golden: &str, lines: impl Iterator<Item = String>) {
    assert_eq!(
        golden.lines().collect::<Vec<_>>(),
        lines.collect::<Vec<_>>()
    );
}

#[test]
fn requests_have_their_pinned_bytes_and_read_back() {
    let golden = include_str!("golden/requests.jsonl");
    let lines = requests().into_iter().map(|r| encoded(|out| r.encode(out)));
    check(golden, lines);
    for (line, request) in golden.lines().zip(requests()) {
        assert_eq!(Request::decode(line.into()).unwrap(), request);
        assert_eq!(serde_json::to_string(&request).unwrap(), line);
    }
}

#[test]
fn responses_have_their_pinned_bytes_and_read_back() {
    let golden = include_str!("golden/responses.jsonl");
    let lines = responses()
        .into_iter()
        .map(|r| encoded(|out| r.encode(out)));
    check(golden, lines);
    for (line, response) in golden.lines().zip(responses()) {
        assert_eq!(Response::decode(line.into()).unwrap(), response);
        assert_eq!(serde_json::to_string(&response).unwrap(), line);
    }
}

#[test]
fn codes_have_their_pinned_numbers_names_and_retryability() {
    let lines = ErrorCode::ALL
        .iter()
        .map(|code| format!("{code} retryable={}", code.is_retryable()));
    check(include_str!("golden/error_codes.txt"), lines);
}

#[test]
fn a_definition_needs_an_id_and_a_description_only() {
    let read: ToolDefinition =
        serde_json::from_str(r#"{"id":"a:b.c","description":"d","unknown":1}"#).unwrap();
    assert_eq!(read.effective_tier(), Tier::Warm);
    assert_eq!(read.visibility, Visibility::Read);
    assert!(serde_json::from_str::<ToolDefinition>(r#"{"id":"a:b.c"}"#).is_err());
}

#[test]
fn capitalised_visibilities_and_tiers_are_read_too() {
    let read: ToolDefinition = serde_json::from_value(
        json!({"id": "a:b.c", "description": "", "visibility": "Hidden", "tier": "Hot"}),
    )
    .unwrap();
    assert_eq!(
        (read.visibility, read.tier),
        (Visibility::Hidden, Some(Tier::Hot))
    );
}

#[test]
fn a_cli_binding_has_its_pinned_bytes_and_leaves_out_what_is_empty() {
    let cli = CliConfig {
        cmd: "git".into(),
        args: vec!["log".into()],
        args_template: vec!["{params_json}".into()],
        env: [("TOKEN".to_owned(), "$ATD_BEARER".to_owned())].into(),
        output_format: Some(OutputFormat::Ndjson),
        page_all_flag: Some("--all".into()),
        dry_run_flag: Some("--dry-run".into()),
        exit_code_map: [("2".to_owned(), "auth_required".to_owned())].into(),
    };
    let golden = include_str!("golden/cli_binding.json").trim_end();
    assert_eq!(serde_json::to_string(&cli).unwrap(), golden);
    assert_eq!(serde_json::from_str::<CliConfig>(golden).unwrap(), cli);

    let least: CliConfig = serde_json::from_str(r#"{"cmd":"true"}"#).unwrap();
    assert_eq!(serde_json::to_string(&least).unwrap(), r#"{"cmd":"true"}"#);
}
