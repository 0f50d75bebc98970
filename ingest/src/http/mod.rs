//! HTTP: routes, errors, headers. What is done stands elsewhere; here it is only asked for.

mod accounts;
mod body;
mod cells;
mod clients;
mod closures;
mod codec;
mod devices;
mod enrol;
mod epochs;
mod explorer;
mod export;
mod health;
mod log;
mod me;
mod observe;
mod operator;
mod policy;
mod problem;
mod signed;
mod style;
mod tiles;
mod traces;
mod transparency;
mod when;

use std::{net::TcpListener, sync::Arc, time::Duration};

use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, ResponseError,
    dev::Server as Serving,
    error::{InternalError, JsonPayloadError},
    http::header,
    middleware::from_fn,
    web,
};
use tokio::sync::{Notify, Semaphore, watch};
use utoipa::{
    OpenApi,
    openapi::{
        self, Response,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_actix_web::AppExt;

pub use epochs::{
    EpochDetail, EpochJson, EpochList, LedgerEntryJson, LedgerList, ScoreJson, ScoreList,
};

pub(crate) use clients::Clients;
pub(crate) use closures::drawn;
pub use problem::Problem;
pub(crate) use tiles::TileCache;

use crate::{
    admission::Admission, config::Config, environment::Environment, epoch::Epochs,
    jobs::follow::Published, keys::ServerKeys, metrics::Metrics, store::Store, week::Week,
};

/// What requests share.
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) public_url: String,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) keys: ServerKeys,
    pub(crate) epochs: Arc<Epochs>,
    pub(crate) published: watch::Receiver<Published>,
    pub(crate) week: Arc<Week>,
    /// Told of every closure that is declared or withdrawn here.
    pub(crate) closed: Arc<Notify>,
    pub(crate) tile_cache: TileCache,
    pub(crate) metrics: Arc<Metrics>,
    /// Told of every row of the log that this node wrote.
    pub(crate) folded: Arc<Notify>,
    /// Who may ask how much; `None` where everybody may.
    pub(crate) clients: Option<Clients>,
    /// For those who take their data away.
    pub(crate) exports: Arc<Semaphore>,
    /// Last, since fields drop in order: when the committer is gone, so is all that held the store.
    pub(crate) admission: Admission,
}

/// Largest JSON body in bytes.
const MAX_JSON: usize = 16 * 1024;
/// How long requests under way may take when the server stops, seconds.
const SHUTDOWN_SECONDS: u64 = 10;
/// How many may take their data away at once.
pub(crate) const MAX_EXPORTS: usize = 4;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Hexmile",
        description = "Signed drives in, live traffic tiles and exact rewards out. Errors are RFC 9457 problem details with a stable code.",
    ),
    tags(
        (name = "accounts", description = "Joining: accounts and their devices"),
        (name = "traces", description = "Uploading drives"),
        (name = "map", description = "Live traffic"),
        (name = "rewards", description = "Epochs, scores and pay"),
        (name = "log", description = "The Merkle log of receipts, rules and epochs"),
        (name = "operators", description = "Running a server"),
    ),
)]
struct Api;

/// Every route of the API, for the application and for its description. They are tried in this order: tiles
/// are asked for most.
fn routes(routes: &mut utoipa_actix_web::service_config::ServiceConfig<'_>) {
    routes
        .service(tiles::show_tile)
        .service(enrol::open_account)
        .service(devices::add_device)
        .service(devices::revoke_device)
        .service(me::show_me)
        .service(me::export_me)
        .service(me::erase_me)
        .service(traces::upload)
        .service(traces::show_trace)
        .service(policy::policy)
        .service(tiles::tile_json)
        .service(tiles::state_json)
        .service(tiles::style_json)
        .service(transparency::show)
        .service(cells::show_cell)
        .service(closures::list_closures)
        .service(closures::declare_closure)
        .service(closures::withdraw_closure)
        .service(epochs::list_epochs)
        .service(epochs::close_epoch)
        .service(epochs::show_epoch)
        .service(epochs::list_scores)
        .service(epochs::list_ledger)
        .service(accounts::show_account)
        .service(log::checkpoint)
        .service(health::health)
        .service(health::ready)
        .service(health::metrics);
}

/// The API's description, generated from the routes.
pub fn openapi() -> openapi::OpenApi {
    let (_, mut api) =
        App::new().into_utoipa_app().openapi(Api::openapi()).configure(routes).split_for_parts();
    for item in api.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            let limited =
                Response::new("The client has asked too much; Retry-After says how long to wait");
            operation.responses.responses.insert("429".to_owned(), limited.into());
        }
    }
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    let components = api.components.get_or_insert_default();
    components.add_security_scheme("operator", SecurityScheme::Http(bearer));
    let signed = "Hexmile key=ID, time=MILLISECONDS, signature=BASE64: a key of the account signs the request";
    let signed = ApiKeyValue::with_description("Authorization", signed);
    components.add_security_scheme("signed", SecurityScheme::ApiKey(ApiKey::Header(signed)));
    api
}

/// Serves until told to stop; then requests under way are answered.
pub(crate) fn serve(listener: TcpListener, server: Server) -> std::io::Result<Serving> {
    let workers = server.config.workers;
    let server = web::Data::new(server);
    let described = web::Data::new(openapi());
    let api = web::Bytes::from(described.to_json().unwrap_or_default());
    let serving =
        HttpServer::new(move || {
            let api = api.clone();
            App::new()
                .app_data(server.clone())
                .app_data(described.clone())
                .app_data(web::PayloadConfig::new(traces::MAX_UPLOAD))
                .app_data(json_config())
                .app_data(web::QueryConfig::default().error_handler(|e, _| {
                    Problem::new(400, "parameter_invalid", e.to_string()).into()
                }))
                .app_data(web::PathConfig::default().error_handler(|e, _| {
                    Problem::new(400, "parameter_invalid", format!("path: {e}")).into()
                }))
                .app_data(observe::Counted::default())
                .wrap(from_fn(observe::observe))
                .wrap(cors())
                .into_utoipa_app()
                .configure(routes)
                .into_app()
                .service(explorer::index)
                .service(explorer::asset)
                .route(
                    "/openapi.json",
                    web::get().to(move || {
                        let api = api.clone();
                        async move { HttpResponse::Ok().content_type("application/json").body(api) }
                    }),
                )
                .default_service(web::to(unmatched))
        });
    Ok(serving
        .workers(workers)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .client_request_timeout(Duration::from_secs(10))
        .disable_signals()
        .listen(listener)?
        .run())
}

/// Tells a path that is not there from one that has no such method.
async fn unmatched(request: HttpRequest, api: web::Data<openapi::OpenApi>) -> HttpResponse {
    let (method, path) = (request.method(), request.path());
    let Some(pattern) = request.resource_map().match_pattern(path) else {
        return Problem::not_found(format!("no route for {method} {path}")).error_response();
    };
    // What is not described, the page, is only fetched.
    let methods = api.paths.paths.get(&pattern).map_or((true, false, false), |item| {
        (item.get.is_some(), item.post.is_some(), item.delete.is_some())
    });
    let allow = match methods {
        (true, true, true) => "GET, HEAD, POST, DELETE",
        (true, true, false) => "GET, HEAD, POST",
        (true, false, true) => "GET, HEAD, DELETE",
        (false, true, true) => "POST, DELETE",
        (false, true, false) => "POST",
        (false, false, true) => "DELETE",
        (_, false, false) => "GET, HEAD",
    };
    let what = format!("{path} has no method {method}; there is {allow}");
    let mut response = Problem::new(405, "method_not_allowed", what).error_response();
    response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(allow));
    response
}

fn json_config() -> web::JsonConfig {
    web::JsonConfig::default().limit(MAX_JSON).error_handler(|error, _| {
        let problem = match error {
            JsonPayloadError::OverflowKnownLength { .. } | JsonPayloadError::Overflow { .. } => {
                Problem::new(413, "json_invalid", error.to_string())
            }
            JsonPayloadError::ContentType => {
                Problem::new(415, "media_type_unknown", "Content-Type: expected application/json")
            }
            _ => Problem::new(400, "json_invalid", error.to_string()),
        };
        let response = problem.error_response();
        InternalError::from_response(error, response).into()
    })
}

/// Anybody's page may read: everything public is public, and nothing here rides on cookies. Answers to pages
/// elsewhere say so and others do not, of which [`observe::observe`] tells caches.
fn cors() -> actix_cors::Cors {
    actix_cors::Cors::default()
        .allow_any_origin()
        .send_wildcard()
        .disable_vary_header()
        .allowed_methods(["GET", "POST", "DELETE", "HEAD", "OPTIONS"])
        .allowed_headers([header::CONTENT_TYPE, header::AUTHORIZATION, header::IF_NONE_MATCH])
        .expose_headers([header::ETAG, header::RETRY_AFTER])
        .max_age(86_400)
}
