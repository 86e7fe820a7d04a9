//! What a connection is known to have read.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use atd_registry::{CallContext, FileStamp, ReadTracker, StaleRead};
use serde_json::json;

use crate::support::Place;

fn stamp(file: &Path) -> FileStamp {
    let file = fs::metadata(file).unwrap();
    FileStamp {
        inode: file.ino(),
        modified_nanos: i128::from(file.ctime()) * 1_000_000_000 + i128::from(file.ctime_nsec()),
        length: file.len(),
    }
}

#[tokio::test]
async fn what_is_read_is_noted_by_the_name_that_its_file_has() {
    let place = Place::new();
    let file = place.file("dir/file", "one\ntwo\n");
    place.link("link", "dir/../dir/file");
    let real = fs::canonicalize(&file).unwrap();
    for path in [
        "dir/file".to_owned(),
        "./dir//../dir/file".to_owned(),
        "link".to_owned(),
        file.display().to_string(),
    ] {
        let ctx = CallContext::for_test();
        let tracker = ctx.state().of::<ReadTracker>();
        assert_eq!(
            tracker.check(&real, stamp(&file)),
            Err(StaleRead::NeverRead)
        );
        let args = json!({"path": path, "limit": 1});
        place.read_as(args, &ctx).await.unwrap();
        assert_eq!(tracker.check(&real, stamp(&file)), Ok(()), "{path}");
    }
}

#[tokio::test]
async fn what_could_not_be_read_is_not_noted() {
    let place = Place::new();
    let file = place.file("file", "one\n");
    let mut setup = atd_registry::CallSetup::for_test();
    setup.output_budget = 10;
    let ctx = CallContext::new(setup);
    place
        .read_as(json!({"path": "file"}), &ctx)
        .await
        .unwrap_err();
    let tracker = ctx.state().of::<ReadTracker>();
    assert_eq!(
        tracker.check(&file, stamp(&file)),
        Err(StaleRead::NeverRead)
    );
}
