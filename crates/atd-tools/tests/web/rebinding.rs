//! A name that resolves to something else each time it is asked for.

use crate::support::{Names, Server, ok, open_to, outcome, redirect, tool};

/// T4: what was checked is what is connected to, since nobody is asked twice.
#[tokio::test]
async fn a_name_is_looked_up_once_for_a_connection() {
    let server = Server::saying(ok("text/plain", "open")).await;
    let private = Server::beside(&server, "127.0.0.2").await;
    let names: [(&str, &[&str]); 1] = [("turn.example", &["127.0.0.1", "127.0.0.2"])];
    let names = Names::new(names);
    let tool = tool(open_to(&[&server]).resolver(names.clone()));
    let url = format!("http://turn.example:{}/", server.port());

    assert_eq!(outcome(&tool, &url).await, Ok("open".to_owned()));
    assert_eq!(*names.asked.lock().unwrap(), ["turn.example"]);

    for _ in 0..100 {
        let turned = outcome(&tool, &url).await;
        assert_eq!(turned, Err("ADDRESS_NOT_ALLOWED".to_owned()));
    }
    assert_eq!(names.asked.lock().unwrap().len(), 101);
    assert_eq!(private.connections().await, 0);
    assert_eq!(server.connections().await, 1);
}

/// T4: a redirect to the same name is a look-up of its own, and a check too.
#[tokio::test]
async fn a_name_that_turns_between_redirects_is_refused() {
    let server = Server::saying(redirect("/again")).await;
    let private = Server::beside(&server, "127.0.0.2").await;
    let answers: &[&str] = &["127.0.0.1", "127.0.0.1", "127.0.0.2"];
    let names = Names::new([("turn.example", answers)]);
    let tool = tool(open_to(&[&server]).resolver(names.clone()));
    let url = format!("http://turn.example:{}/", server.port());

    let turned = outcome(&tool, &url).await;
    assert_eq!(turned, Err("ADDRESS_NOT_ALLOWED".to_owned()));
    assert_eq!(names.asked.lock().unwrap().len(), 3);
    assert_eq!(server.connections().await, 2);
    assert_eq!(private.connections().await, 0);
}

/// T4: one answer with an open and a closed address, the closed one first or
/// last, whatever the order of the turns.
#[tokio::test]
async fn a_resolver_that_mixes_its_answers_gets_nowhere() {
    let server = Server::saying(ok("text/plain", "open")).await;
    let private = Server::beside(&server, "127.0.0.2").await;
    let answers: &[&str] = &[
        "127.0.0.2,127.0.0.1",
        "127.0.0.1,127.0.0.2",
        "::ffff:127.0.0.2,::ffff:127.0.0.1",
        "127.0.0.2,127.0.0.2,127.0.0.2,127.0.0.2,127.0.0.1",
    ];
    let names = Names::new([("turn.example", answers)]);
    let tool = tool(open_to(&[&server]).resolver(names));
    let url = format!("http://turn.example:{}/", server.port());
    for _ in answers {
        assert_eq!(outcome(&tool, &url).await, Ok("open".to_owned()));
    }
    assert_eq!(private.connections().await, 0);
}

/// However many addresses of one family come first, one of the other is tried.
#[tokio::test]
async fn addresses_of_both_families_are_tried() {
    let server = Server::saying(ok("text/plain", "open")).await;
    let sixes = "::1,::1,::1,::1,::1,::1,127.0.0.1";
    let fours = "127.0.0.2,127.0.0.2,127.0.0.2,127.0.0.2,127.0.0.2,::ffff:127.0.0.1";
    for (answer, reached) in [
        (sixes, Ok("open".to_owned())),
        // A clothed address is of the family that it is connected to by.
        (fours, Err("NOT_CONNECTED".to_owned())),
    ] {
        let names = Names::new([("many.example", &[answer][..])]);
        let builder = open_to(&[&server])
            .allow_network("::1")
            .allow_network("127.0.0.2");
        let url = format!("http://many.example:{}/", server.port());
        assert_eq!(outcome(&tool(builder.resolver(names)), &url).await, reached);
    }
}

/// Names that mean this host are nobody else's to answer.
#[tokio::test]
async fn no_resolver_is_asked_for_localhost_or_an_address() {
    let names = Names::new([]);
    let server = Server::saying(ok("text/plain", "open")).await;
    let tool = tool(open_to(&[&server]).resolver(names.clone()));
    let port = server.port();
    for host in [
        "localhost",
        "LocalHost.",
        "a.b.localhost",
        "127.1",
        "[::ffff:7f00:1]",
    ] {
        let url = format!("http://{host}:{port}/");
        assert_eq!(outcome(&tool, &url).await, Ok("open".to_owned()), "{host}");
    }
    assert!(names.asked.lock().unwrap().is_empty());
}
