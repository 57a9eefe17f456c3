//! Decides who is answered: only the reader's own browser on this machine, only pages of this very server.
//! A request goes in; out comes a refusal, the answer with its security headers, or the proof [`OwnPage`].

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::uri::Uri;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Shared;

/// The one page that may stand in a frame, and only in one of our own: without JavaScript,
/// mdBook shows its table of contents that way. It does nothing but link.
const FRAMED_PAGE: &str = "/toc.html";

/// The names under which this server may be addressed.
pub struct OwnAddress {
    /// `Host` values: what a browser sends for the two ways of naming this machine.
    hosts: [String; 2],
    /// `Origin` values of our own pages, in the same order.
    origins: [String; 2],
    csp: HeaderValue,
    csp_framed: HeaderValue,
}

/// Proof that a request came from a page of this very server: both its `Host` and its `Origin` are ours.
/// Only [`OwnAddress::own_page`] can make one, so what demands it cannot be reached past the check.
pub struct OwnPage(());

impl OwnAddress {
    /// The names of the server on `port` of 127.0.0.1.
    pub fn new(port: u16) -> Self {
        // A browser leaves out the port that HTTP has by default.
        let suffix = if port == 80 {
            String::new()
        } else {
            format!(":{port}")
        };
        let hosts = [format!("127.0.0.1{suffix}"), format!("localhost{suffix}")];
        let origins = hosts.clone().map(|host| format!("http://{host}"));
        let policy = |ancestors: &str| {
            // mdBook's pages have inline scripts and styles.
            let text = format!(
                "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; \
                 img-src 'self' data:; connect-src 'self' ws://{} ws://{}; object-src 'none'; base-uri 'self'; \
                 form-action 'self'; frame-ancestors {ancestors}",
                hosts[0], hosts[1]
            );
            // Made of fixed ASCII text and a number.
            HeaderValue::try_from(text).expect("the policy is a valid header value")
        };
        let (csp, csp_framed) = (policy("'none'"), policy("'self'"));
        Self {
            hosts,
            origins,
            csp,
            csp_framed,
        }
    }

    /// The address of the book's first page.
    pub fn url(&self) -> String {
        format!("{}/", self.origins[0])
    }

    /// Whether the request names this server: by exactly one `Host`, and by nothing else in its target.
    fn is_host_of(&self, headers: &HeaderMap, target: &Uri) -> bool {
        let named = sole(headers, &header::HOST);
        let ours = |host: &str| self.hosts.iter().any(|own| own == host);
        named.is_some_and(ours)
            && target.authority().is_none_or(|authority| ours(authority.as_str()))
    }

    /// The proof that the request comes from one of our own pages, or `None`.
    pub fn own_page(&self, headers: &HeaderMap, target: &Uri) -> Option<OwnPage> {
        let origin = sole(headers, &header::ORIGIN)?;
        let ours = self.is_host_of(headers, target)
            && self.origins.iter().any(|own| own == origin);
        ours.then_some(OwnPage(()))
    }
}

/// The value of a header that occurs exactly once.
pub fn sole<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

/// Stands before every route, also before the answer for a page that does not exist.
pub async fn admit(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let framed = request.uri().path() == FRAMED_PAGE;
    let mut response = if !shared.own.is_host_of(request.headers(), request.uri()) {
        refusal(
            StatusCode::MISDIRECTED_REQUEST,
            "Unter diesem Namen gibt es das Buch hier nicht, nur unter 127.0.0.1 und localhost mit seinem eigenen Port. \
             Läuft es auf einem anderen Rechner oder in einem Container, leiten Sie genau diesen Port weiter, \
             etwa mit „ssh -L PORT:127.0.0.1:PORT“.\n",
        )
    } else if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refused = refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "Das Buch lässt sich nur lesen.\n",
        );
        refused
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        refused
    } else {
        next.run(request).await
    };

    let policy = if framed {
        &shared.own.csp_framed
    } else {
        &shared.own.csp
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A refusal with one German sentence as plain text.
pub fn refusal(status: StatusCode, sentence: &'static str) -> Response {
    let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (status, plain, sentence).into_response()
}
