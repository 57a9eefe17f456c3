//! The door to the open pages: one WebSocket a page, `/-/live`. A request goes in; out comes a refusal or a session
//! of the [`Notebook`](crate::notebook), which demands the token before it says a word.

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Shared;
use super::guard::{self, OwnPage};
use crate::notebook::{self, LONGEST_MESSAGE};

/// The script in every served page: the connection first, then what uses it.
const SCRIPT: &str = concat!(
    include_str!("../page/live.js"),
    include_str!("../page/live-compare.js"),
    include_str!("../page/live-scenes.js"),
    include_str!("../page/live-cells.js"),
    include_str!("../page/live-measure.js"),
);

/// Answers the request for the [`SCRIPT`].
pub async fn script() -> Response {
    let script = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (script, SCRIPT).into_response()
}

/// `/-/live`: opens the WebSocket for our own pages and for nobody else.
pub async fn connect(State(shared): State<Shared>, request: Request) -> Response {
    let Some(page) = shared.own.own_page(request.headers(), request.uri()) else {
        return guard::refusal(
            StatusCode::FORBIDDEN,
            "Hier sprechen nur die Seiten des Buchs.\n",
        );
    };
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &shared).await {
        Ok(handshake) if is_whole(&parts.headers) => upgrade(page, handshake, shared),
        _ => guard::refusal(
            StatusCode::UPGRADE_REQUIRED,
            "Hier wird nur WebSocket gesprochen.\n",
        ),
    }
}

/// Whether a handshake is what a browser sends: everything stands there once, the key is 16 bytes in base64, and no content
/// follows that somebody could take for the first messages.
fn is_whole(headers: &HeaderMap) -> bool {
    let key = guard::sole(headers, &header::SEC_WEBSOCKET_KEY);
    let digits = key.and_then(|key| key.strip_suffix("==")).unwrap_or_default();
    let is_digit = |digit: u8| digit.is_ascii_alphanumeric() || b"+/".contains(&digit);
    digits.len() == 22
        && digits.bytes().all(is_digit)
        && guard::sole(headers, &header::UPGRADE).is_some()
        && guard::sole(headers, &header::SEC_WEBSOCKET_VERSION).is_some()
        && !headers.contains_key(header::CONTENT_LENGTH)
        && !headers.contains_key(header::TRANSFER_ENCODING)
}

/// The only place that turns a request into a WebSocket; without the proof it cannot be called.
fn upgrade(_page: OwnPage, handshake: WebSocketUpgrade, shared: Shared) -> Response {
    handshake
        .max_message_size(LONGEST_MESSAGE)
        .max_frame_size(LONGEST_MESSAGE)
        .on_upgrade(move |socket| notebook::attend(shared.notebook, socket))
}
