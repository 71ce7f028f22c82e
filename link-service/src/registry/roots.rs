//! Whether the directories of apps are each its own. Compared as they are written: what a
//! symbolic link leads to is for whoever opens it.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf, absolute};

use super::App;
use crate::settings::Problem;

/// # Errors
/// Whose directory is in another's, and which of the service's own files an app could write.
pub(super) fn check<'a>(
    apps: impl Iterator<Item = &'a App> + Clone,
    journal: &Path,
) -> Result<(), Problem> {
    let mut roots = BTreeMap::new();
    for app in apps.clone() {
        if let Some(twin) = roots.insert(root_of(app)?, app) {
            return Err(inside(app, twin));
        }
    }
    // What is beneath a path comes right behind it.
    let neighbours = roots.iter().zip(roots.iter().skip(1));
    for ((outer, its), (inner, app)) in neighbours {
        if inner.starts_with(outer) {
            return Err(inside(app, its));
        }
    }
    let tokens = apps.filter_map(|app| app.token_file.as_deref());
    let tokens = tokens.map(|path| ("the token file", path));
    for (what, path) in tokens.chain([("the journal", journal)]) {
        let whole = absolute(path).unwrap_or_else(|_| path.to_owned());
        if let Some(app) = whole.ancestors().find_map(|above| roots.get(above)) {
            return Err(Problem::Exposed {
                what,
                path: path.to_owned(),
                app: app.id.clone(),
            });
        }
    }
    Ok(())
}

fn root_of(app: &App) -> Result<PathBuf, Problem> {
    let refuse = |why| Problem::Root {
        app: app.id.clone(),
        root: app.root.clone(),
        why,
    };
    if app
        .root
        .components()
        .any(|part| part == Component::ParentDir)
    {
        return Err(refuse("has `..` in it: write where it leads"));
    }
    let root = absolute(&app.root).map_err(|_| refuse("is empty: name a directory"))?;
    match root.parent() {
        None => Err(refuse("is the root of the file system: name a directory")),
        Some(_) => Ok(root),
    }
}

fn inside(inner: &App, outer: &App) -> Problem {
    Problem::RootInRoot {
        inner: inner.id.clone(),
        outer: outer.id.clone(),
    }
}
