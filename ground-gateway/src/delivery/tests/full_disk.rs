//! A directory on a small file system.

use std::fs;

use super::rig::{Item, Site};

const SMALL_BYTES: usize = 64 << 10;
const ME: &str =
    "delivery::tests::full_disk::a_file_waits_for_room_in_its_directory_and_nothing_of_it_stays";

#[test]
fn a_file_waits_for_room_in_its_directory_and_nothing_of_it_stays() {
    own_mounts::in_own_namespace(ME, || {
        let mut site = Site::new();
        let out = site.path("out");
        fs::create_dir(&out).unwrap();
        let size = format!("size={SMALL_BYTES}");
        if let Some(_mounted) = own_mounts::mount(&["-t", "tmpfs", "-o", &size, "none"], &out) {
            waits_for_room(&mut site);
        }
    });
}

fn waits_for_room(site: &mut Site) {
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
