//! A small file system, in a mount namespace of a child: where the system lets nobody but root
//! mount one, this is not tested, and said.

use std::env;
use std::fs;
use std::process::Command;

use super::rig::{Item, Site};

const CHILD: &str = "DELIVERY_FULL_DISK_TEST";
const SMALL_BYTES: usize = 64 << 10;
const ME: &str =
    "delivery::tests::full_disk::a_file_waits_for_room_in_its_directory_and_nothing_of_it_stays";

#[test]
fn a_file_waits_for_room_in_its_directory_and_nothing_of_it_stays() {
    if let Some(folder) = env::var_os(CHILD) {
        return waits_for_room(Site::at(folder.as_ref()));
    }
    let site = Site::new();
    let out = site.path("out");
    fs::create_dir(&out).unwrap();
    let script = format!(
        "mount -t tmpfs -o size={SMALL_BYTES} none \"${CHILD}/out\" || exit 77\n\
         exec \"$0\" {ME} --exact --nocapture"
    );
    let mut child = Command::new("unshare");
    child.args(["--user", "--map-root-user", "--mount", "sh", "-c", &script]);
    child.arg(env::current_exe().unwrap());
    match child.env(CHILD, site.path("")).output() {
        Ok(output) if output.status.success() => {}
        Ok(output) if output.stdout.is_empty() => {
            eprintln!("not tested, for want of a mount: {output:?}");
        }
        Ok(output) => panic!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        ),
        Err(error) => eprintln!("not tested, for want of `unshare`: {error}"),
    }
}

fn waits_for_room(mut site: Site) {
    let neighbour = site.path("out/neighbour");
    fs::write(&neighbour, vec![0; SMALL_BYTES / 2]).unwrap();
    site.bring(&Item::new(1, &vec![1; SMALL_BYTES / 2 + 1]));
    let mut deliverer = site.start();
    deliverer.round(site.now);
    assert_eq!(deliverer.counts().unwrap().failures, 1);
    assert_eq!((site.delivered("out").len(), site.waiting()), (1, 1));
    fs::remove_file(neighbour).unwrap();
    site.wait(1);
    deliverer.round(site.now);
    assert_eq!((site.delivered("out").len(), site.waiting()), (1, 0));
    assert_eq!(site.receipts().len(), 1);
}
