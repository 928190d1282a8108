//! A router that knows what it routes. A door of the API is added together with its description
//! ([`Routes::door`]); a page is added as with axum's own router. Either way it is in [`Routes::known`],
//! which a test holds against the description.

use std::convert::Infallible;

use axum::{
    Router,
    extract::Request,
    handler::Handler,
    response::IntoResponse,
    routing::{MethodFilter, MethodRouter, Route as Handled},
};
use tower::{Layer, Service};
use utoipa::openapi::{Components, OpenApi, PathItem, path::Paths};
use utoipa_axum::router::UtoipaMethodRouter;

use super::AppState;

/// A method and a path, as in `GET /api/v1/calls/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    pub path: String,
    pub method: &'static str,
}

/// Routes with what is known of them.
pub(super) struct Routes<S = AppState> {
    router: Router<S>,
    known: Vec<Route>,
    api: OpenApi,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub(super) fn new() -> Self {
        Self {
            router: Router::new(),
            known: Vec::new(),
            api: OpenApi::default(),
        }
    }

    /// The handlers of one path, `routes!(calls::one, erase::one)`: path, methods and description are
    /// what `#[utoipa::path]` at each of them says.
    pub(super) fn door(self, handlers: UtoipaMethodRouter<S>) -> Self {
        let path = handlers.1.paths.keys().next().cloned();
        self.door_at(&path.unwrap_or_default(), handlers)
    }

    /// The same at an address that the configuration chose.
    pub(super) fn door_at(
        mut self,
        path: &str,
        (schemas, paths, methods): UtoipaMethodRouter<S>,
    ) -> Self {
        let mut described = Paths::new();
        for item in paths.paths.into_values() {
            self.know(path, &methods_of(&item));
            described.paths.insert(path.to_owned(), item);
        }
        let mut components = Components::new();
        components.schemas.extend(schemas);
        let mut api = OpenApi::default();
        (api.paths, api.components) = (described, Some(components));
        self.api.merge(api);
        self.router = self.router.route(path, methods);
        self
    }

    /// A route that is no part of the API: a page, an asset.
    pub(super) fn route(mut self, path: &str, on: On<S>) -> Self {
        self.know(path, &on.methods);
        self.router = self.router.route(path, on.router);
        self
    }

    fn know(&mut self, path: &str, methods: &[&'static str]) {
        self.known.extend(methods.iter().map(|method| Route {
            path: path.to_owned(),
            method,
        }));
    }

    pub(super) fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        self.known.extend(other.known);
        self.api.merge(other.api);
        self
    }

    /// Around the routes so far.
    pub(super) fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Handled> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.router = self.router.layer(layer);
        self
    }

    pub(super) fn router(self) -> Router<S> {
        self.router
    }

    /// Without the handlers: to be held together with the routes of other states.
    pub(super) fn told(self) -> Routes<()> {
        Routes {
            router: Router::new(),
            known: self.known,
            api: self.api,
        }
    }

    /// What there is, and what is said of it.
    pub(super) fn known(self) -> (Vec<Route>, OpenApi) {
        (self.known, self.api)
    }
}

fn methods_of(item: &PathItem) -> Vec<&'static str> {
    let described = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ];
    let there = described.into_iter().filter(|(_, told)| told.is_some());
    there.map(|(method, _)| method).collect()
}

/// Handlers of one path that is not described: `get(show)`, `get(show).and(POST, save)`.
pub(super) struct On<S> {
    router: MethodRouter<S>,
    methods: Vec<&'static str>,
}

/// A method by name and as axum has it.
pub(super) type Verb = (&'static str, MethodFilter);

const GET: Verb = ("GET", MethodFilter::GET);
pub(super) const POST: Verb = ("POST", MethodFilter::POST);

pub(super) fn get<H, T, S>(handler: H) -> On<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    On::nothing().and(GET, handler)
}

pub(super) fn post<H, T, S>(handler: H) -> On<S>
where
    H: Handler<T, S>,
    T: 'static,
    S: Clone + Send + Sync + 'static,
{
    On::nothing().and(POST, handler)
}

impl<S: Clone + Send + Sync + 'static> On<S> {
    fn nothing() -> Self {
        Self {
            router: MethodRouter::new(),
            methods: Vec::new(),
        }
    }

    pub(super) fn and<H, T>(mut self, (name, filter): Verb, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: 'static,
    {
        self.methods.push(name);
        Self {
            router: self.router.on(filter, handler),
            ..self
        }
    }
}
