//! The duty officer's board.

use super::api::Asker;
use super::problem::Problem;
use super::strict::Json;
use crate::board::Board;

/// The duty officer's board
///
/// What has to be seen first, in that order, alike for all sides.
#[utoipa::path(get, path = "/api/v1/board", tag = "due", operation_id = "board", responses((status = 200, body = Board)))]
pub async fn board(asker: Asker) -> Result<Json<Board>, Problem> {
    super::pages::of(asker).await.map(Json)
}
