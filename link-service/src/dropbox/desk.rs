//! Requests that are dropped are taken by the desk, in the words of the JSON API.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Answer, Submit};
use crate::api::json::answer::LinkResponse;
use crate::api::json::body::RequestBody;
use crate::api::json::refusal::Refusal;
use crate::code::Code;
use crate::desk::Desk;
use crate::folders::Folders;
use crate::journal::Journal;
use crate::names::AppId;
use crate::record::TransferId;

impl<F: Folders, J: Journal> Submit for Arc<Desk<F, J>> {
    type Folders = F;

    fn folders(&self) -> &F {
        Desk::folders(self)
    }

    fn apps(&self) -> Vec<AppId> {
        let access = self.access().current();
        let apps = access.registry().apps();
        apps.map(|app| app.id.clone()).collect()
    }

    fn submit(&self, sender: &AppId, body: Map<String, Value>) -> Answer {
        let handed_in = || {
            let body: RequestBody = serde_json::from_value(Value::Object(body))
                .map_err(|error| Refusal::invalid(error.to_string()))?;
            let echo = body.clone();
            let request = body.into_request(sender);
            let request = request.map_err(|refusal| refusal.of_request(&echo))?;
            let receipt = Desk::submit(self, sender, request)
                .map_err(|refused| Refusal::from(refused).of_request(&echo))?;
            let view = Desk::status(self, sender, receipt.id)?;
            Ok((
                view.code,
                receipt.id,
                LinkResponse::of(&view, receipt.is_known),
            ))
        };
        handed_in().map_or_else(
            |refusal: Refusal| answer(refusal.code, None, &refusal.into_answer()),
            |(code, id, response)| answer(code, Some(id), &response),
        )
    }

    fn status(&self, sender: &AppId, id: TransferId) -> Option<Answer> {
        let view = Desk::status(self, sender, id).ok()?;
        let response = LinkResponse::of(&view, true);
        Some(answer(view.code, Some(id), &response))
    }
}

fn answer(code: Code, id: Option<TransferId>, response: &LinkResponse) -> Answer {
    Answer {
        code,
        id,
        response: serde_json::to_value(response).unwrap_or_default(),
    }
}
