//! What a person reads when the daemon, its configuration or the service is the cause, in both languages.
//!
//! Failures of card and reader are in [`super::messages`].

use std::path::Path;

use card_schema::{
    envelope::{receipt::Outcome, status_list::CardStatus},
    points::NoDiscount,
    wire::ProblemType,
};

use super::{messages::CliError, messages_card, messages_local, messages_outcome::outcome};
use crate::{
    card::link::LinkError,
    config::{ConfigError, KEYS},
    enrol::EnrolError,
    identity::IdentityError,
    outbox::OutboxError,
    run::RunError,
    station::StationError,
    submit::client::ServiceError,
    tap::{Refused, TapError, certificate::CertificateError},
};

/// A configuration that cannot be used.
pub(crate) fn config(error: &ConfigError) -> CliError {
    match error {
        ConfigError::UnknownKey { key, origin } => {
            let keys = KEYS.map(|(key, _)| key).join(", ");
            CliError::usage(
                "unknown-setting",
                format!("{origin}：没有名为“{key}”的设置。可用的设置：{keys}。请更正名称后重试。"),
                format!("{origin}: there is no setting \"{key}\". Settings: {keys}. Correct the name and try again."),
            )
        }
        ConfigError::Invalid(cause) => CliError::usage(
            "bad-setting",
            format!("设置有误：{cause}。请更正后重试。"),
            format!("A setting is wrong: {cause}. Correct it and try again."),
        ),
        ConfigError::NotLoopback(address) => CliError::usage(
            "listen-not-loopback",
            format!("local.listen = {address}：本机接口只能监听回环地址，例如 127.0.0.1:0。"),
            format!("local.listen = {address}: the local API listens on loopback only, e.g. 127.0.0.1:0."),
        ),
    }
}

/// The file for the APDU trace cannot be written.
pub(crate) fn apdu_trace(path: &Path, cause: &std::io::Error) -> CliError {
    let path = path.display();
    CliError::usage(
        "apdu-trace-file",
        format!("无法写入 APDU 跟踪文件 {path}（{cause}）。请换用可写的路径，或去掉 --apdu-trace。"),
        format!("The APDU trace {path} cannot be written ({cause}). Name a file that can, or leave --apdu-trace out."),
    )
}

/// The PIN could not be read from terminal or stdin.
pub(crate) fn no_pin(cause: &std::io::Error) -> CliError {
    CliError::usage(
        "no-pin",
        format!("无法读取 PIN（{cause}）。请在终端中运行，或使用 --pin-stdin。"),
        format!("The PIN cannot be read ({cause}). Run in a terminal, or use --pin-stdin."),
    )
}

/// Something inside failed that no input causes.
pub(crate) fn internal(cause: &dyn std::fmt::Display) -> CliError {
    CliError::failed(
        "internal",
        format!("内部错误：{cause}。请重试；如再次出现，请把本信息交给管理员。"),
        format!("Internal error: {cause}. Try again; if it happens again, give this message to the administrator."),
    )
}

/// A card that signs nobody in.
pub(crate) fn sign_in_no_card() -> CliError {
    CliError::failed(
        "sign-in-no-card",
        "这张卡不能用于登录。须是在用的工作人员卡，并由管理员开通。",
        "With this card nobody signs in. It has to be a staff card in use, and an administrator has to have let it sign in.",
    )
}

/// The service does not sign anybody in.
pub(crate) fn sign_in(error: &ServiceError) -> CliError {
    match error {
        ServiceError::Unreachable(cause) => CliError::failed(
            "service-unreachable",
            format!("连接不到服务（{cause}），暂时不能用卡登录。请检查网络后重试，或使用用户名和密码。"),
            format!(
                "The service cannot be reached ({cause}), so nobody signs in with a card. Check the network and try \
                 again, or use name and password."
            ),
        ),
        ServiceError::Busy { .. } => CliError::failed(
            "service-busy",
            "服务正忙。请稍候重试。",
            "The service is busy. Wait a moment and try again.",
        ),
        ServiceError::Problem(problem) if problem.kind == ProblemType::Forbidden => sign_in_no_card(),
        ServiceError::Problem(problem) if problem.kind == ProblemType::Conflict => {
            CliError::failed("sign-in-over", "本次登录已失效。请重新开始。", "This sign-in is over. Begin again.")
        }
        ServiceError::Problem(problem) => CliError::failed(
            "sign-in-refused",
            format!("服务拒绝登录：{}。请联系管理员。", problem.title),
            format!("The service refused: {}. Call the administrator.", problem.title),
        ),
        ServiceError::Strange(cause) => internal(cause),
    }
}

/// No browser could be opened.
pub(crate) fn no_browser(cause: &std::io::Error) -> CliError {
    CliError::failed(
        "no-browser",
        format!("无法打开浏览器（{cause}）。请用 --no-browser 取得链接，自行打开。"),
        format!("No browser can be opened ({cause}). Use --no-browser and open the link yourself."),
    )
}

/// The outbox.
pub(crate) fn outbox(error: &OutboxError) -> CliError {
    if error.is_full() {
        return CliError::failed(
            "disk-full",
            "磁盘已满，未作任何扣款。请清理磁盘后重试。",
            "The disk is full; nothing was charged. Make room on the disk and try again.",
        );
    }
    match error {
        OutboxError::OtherTerminal => CliError::failed(
            "other-terminals-outbox",
            "数据目录属于另一台终端。请换用空目录，或恢复原终端的证书。",
            "The data folder belongs to another terminal. Use an empty folder, or restore that terminal's identity.",
        ),
        error => CliError::failed(
            "outbox",
            format!("无法保存记录（{error}），未作任何扣款。请检查磁盘后重试。"),
            format!("The outbox failed ({error}); nothing was charged. Check the disk and try again."),
        ),
    }
}

/// Whether a failed tap is a plain no: the card or the operation was looked at and refused.
pub(crate) fn is_refusal(error: &TapError) -> bool {
    matches!(error, TapError::Refused(_) | TapError::Certificate(_) | TapError::Copied)
}

/// What a person reads when no tap came about.
pub(crate) fn station(error: &StationError) -> CliError {
    match error {
        StationError::NoReader => messages_card::no_reader(),
        StationError::UnknownReader(name, readers) => messages_card::unknown_reader(name, readers),
        StationError::SeveralReaders(names) => messages_card::several_readers(names),
        StationError::NoCard => messages_card::link(&LinkError::NoCard),
        StationError::Busy => CliError::failed(
            "reader-busy",
            "读卡器正在办理另一笔业务。请稍候重试。",
            "The reader is at work for somebody else. Wait a moment and try again.",
        ),
        StationError::Timeout => CliError::failed(
            "card-timeout",
            "卡片没有及时响应，未作任何扣款。请取下卡片后重试。",
            "The card did not answer in time; nothing was charged. Take it off the reader and try again.",
        ),
        StationError::Tap(error) => tap(error),
    }
}

/// What a person reads when the tap itself failed.
pub(crate) fn tap(error: &TapError) -> CliError {
    match error {
        TapError::Card(error) => messages_card::piv(error),
        TapError::Refused(refused) => self::refused(*refused),
        TapError::Certificate(error) => certificate(error),
        TapError::Copied => CliError::failed(
            "copied-card",
            "卡片的签名与证书不符，可能是复制卡。请拒收。",
            "The chip does not hold the key of its certificate: it may be a copy. Do not accept it.",
        ),
        TapError::TooLate => station(&StationError::Timeout),
        TapError::Outbox(error) => outbox(error),
        TapError::Randomness => internal(error),
    }
}

fn refused(refused: Refused) -> CliError {
    match refused {
        Refused::OperationNotAllowed(_) => outcome(Outcome::OperationNotAllowed),
        Refused::AmountOutOfRange { limit } => CliError::failed(
            "amount-out-of-range",
            format!("金额须大于零且不超过 {limit} 元。请更改金额。"),
            format!("The amount must be above zero and at most {limit} yuan. Change the amount."),
        ),
        Refused::PinRequired => outcome(Outcome::PinRequired),
        Refused::ApprovalRequired => outcome(Outcome::ApprovalRequired),
        Refused::ApprovalOver => messages_local::approval_over(),
        Refused::Listed(CardStatus::Suspended) => CliError::failed(
            "card-suspended",
            "卡片已暂停使用。请持卡人到站点办理。",
            "The card is suspended. The holder should go to a station.",
        ),
        Refused::Listed(_) => CliError::failed(
            "card-revoked",
            "卡片已作废（挂失、换卡或注销）。请拒收。",
            "The card has been revoked (lost, replaced or returned). Do not accept it.",
        ),
        Refused::OfflineAmount { limit } => CliError::failed(
            "offline-amount",
            format!("网络中断，每笔最多收 {limit} 元，未作任何扣款。请减少金额，或等网络恢复。"),
            format!(
                "Without the network no more than {limit} yuan is taken at once; nothing was charged. Take less, or wait for the network."
            ),
        ),
        Refused::OfflineCard => CliError::failed(
            "offline-card-limit",
            "网络中断，这张卡在本机的离线额度已用完，未作任何扣款。请等网络恢复，或用其他方式付款。",
            "Without the network this card has paid here as much as it may; nothing was charged. Wait for the network, or pay in another way.",
        ),
        Refused::OfflineTerminal => CliError::failed(
            "offline-terminal-limit",
            "网络中断，本机的离线额度已用完，未作任何扣款。请恢复网络后再收款。",
            "Without the network this terminal has taken as much as it may; nothing was charged. Get the network back before taking more.",
        ),
        Refused::Drawn => CliError::failed(
            "offline-drawn",
            "这张卡今天被抽中，须联网核实，未作任何扣款。请等网络恢复，或用其他方式付款。",
            "This card was drawn today as one that the service has to decide; nothing was charged. Wait for the network, or pay in another way.",
        ),
        Refused::Again => {
            CliError::failed("again", "刚刚已刷过，请勿重复刷卡。", "It has validated here just now. Once is enough.")
        }
        Refused::NoFares => CliError::failed(
            "no-fares",
            "本机尚未取得票价，不能验票。请接通网络后稍候。",
            "This validator knows no fares yet. Connect it to the network and wait a moment.",
        ),
        Refused::PlaceUnknown => CliError::failed(
            "place-unknown",
            "现行票价中没有所设的线路或站点。请按现行票价重新设置。",
            "The fares in force have no such route or stop. Set the validator to one that they have.",
        ),
        Refused::Gate(refused) => messages_local::gate(refused),
        Refused::Frozen => CliError::failed(
            "offline-frozen",
            "本机太久没有联网，或时钟被改动，暂停使用，没有扣款。请恢复网络并核对时间。",
            "This terminal has been without the network for too long, or its clock was moved, so it decides nothing; nothing was charged. Get the network back and check the time.",
        ),
        Refused::NeedsService => CliError::failed(
            "needs-network",
            "网络中断，这项业务要等网络恢复后才能办理。没有扣款，也没有退款。",
            "This needs the network: wait until it is back. Nothing was charged, and nothing went back.",
        ),
        Refused::NotOnSale => outcome(Outcome::NotOnSale),
        Refused::NoPoints => CliError::failed(
            "no-points",
            "本店没有参加积分计划。请不用积分办理，或联系管理员。",
            "No points are given or taken here. Do it without points, or ask the administrator.",
        ),
        Refused::NoDiscount(NoDiscount::NotOffered) => CliError::failed(
            "no-points-discount",
            "本店的积分只能兑换商品，不能抵扣。请不用积分付款。",
            "Points are good for goods alone here. Pay without points.",
        ),
        Refused::NoDiscount(NoDiscount::Multiple(multiple)) => CliError::failed(
            "points-multiple",
            format!("积分须是 {multiple} 的整倍数。请更改积分。"),
            format!("Points are used in multiples of {multiple}. Change the number of points."),
        ),
        Refused::NoDiscount(NoDiscount::NothingLeft) => CliError::failed(
            "points-nothing-left",
            "积分不能抵扣全部金额。请减少积分。",
            "Points cannot take off the whole price. Use fewer.",
        ),
        Refused::TerminalRevoked => CliError::failed(
            "terminal-revoked",
            "本终端已被停用，不再受理卡片，未作任何扣款。请停止使用，并联系管理员。",
            "This terminal has been revoked and takes no more cards; nothing was charged. Stop using it and call the \
             administrator.",
        ),
        Refused::OtherCard => CliError::failed(
            "other-card",
            "这不是刚才那张卡。请出示原来的卡片。",
            "This is another card than before. Present the first one.",
        ),
        Refused::Expired => outcome(Outcome::CardExpired),
    }
}

fn certificate(error: &CertificateError) -> CliError {
    match error {
        CertificateError::NotValidNow { expired: true } => outcome(Outcome::CardExpired),
        CertificateError::NotValidNow { expired: false } => CliError::failed(
            "card-not-yet-valid",
            "卡片尚未生效，或本机时钟偏慢。请校准时间后重试。",
            "The card is not valid yet, or this machine's clock is behind. Set the clock and try again.",
        ),
        CertificateError::Missing | CertificateError::Foreign(_) => CliError::failed(
            "foreign-card",
            "这不是本系统发放的卡片。请拒收。",
            "This card was not issued here. Do not accept it.",
        ),
        CertificateError::Malformed => CliError::failed(
            "unreadable-certificate",
            "卡片的证书无法读取。请重试；仍不行请持卡人到站点办理。",
            "The card's certificate cannot be read. Try again; if it stays so, the holder should go to a station.",
        ),
        CertificateError::OtherCard | CertificateError::OtherUse => CliError::failed(
            "copied-card",
            "卡片的证书属于另一张卡，可能是复制卡。请拒收。",
            "The certificate belongs to another card: this may be a copy. Do not accept it.",
        ),
    }
}

/// Enrolment.
pub(crate) fn enrol(error: &EnrolError) -> CliError {
    match error {
        EnrolError::AlreadyEnrolled => CliError::failed(
            "already-enrolled",
            "此数据目录已有一台已登记的终端。如需重新登记，请换用空目录（--data-dir）。",
            "This data folder holds an enrolled terminal. To enrol another, use an empty folder (--data-dir).",
        ),
        EnrolError::Root(cause) => CliError::usage(
            "root-certificate",
            format!("无法读取根证书（{cause}）。请用 --root 指定 PEM 文件。"),
            format!("The root certificate cannot be read ({cause}). Name its PEM file with --root."),
        ),
        EnrolError::Unreachable(cause) => CliError::failed(
            "service-unreachable",
            format!("连接不到服务（{cause}）。请检查地址、网络与根证书，登记码仍可使用。"),
            format!(
                "The service cannot be reached ({cause}). Check address, network and root; the code is still good."
            ),
        ),
        // The service has said it in the language of whoever reads it.
        EnrolError::Problem(problem) if problem.kind == ProblemType::EnrolmentCode => CliError::failed(
            "enrolment-code",
            format!("服务拒绝登记：{}。请向管理员索取新的登记码。", problem.title),
            format!("The service refused: {}. Ask the administrator for a new code.", problem.title),
        ),
        EnrolError::Problem(problem) => CliError::failed(
            "enrolment-refused",
            format!("服务拒绝登记：{}。登记码仍可使用，请稍后重试；仍不行请联系管理员。", problem.title),
            format!(
                "The service refused: {}. The code is still good: try again later; if it stays so, call the \
                 administrator.",
                problem.title
            ),
        ),
        EnrolError::Answer(cause) => CliError::failed(
            "service-answer",
            format!("服务的答复不可信（{cause}）。请核对地址与根证书。"),
            format!("The service's answer is not to be trusted: {cause}. Check address and root certificate."),
        ),
        EnrolError::Identity(cause) => identity(cause),
        EnrolError::Outbox(cause) => outbox(cause),
    }
}

/// The terminal has no usable identity.
pub(crate) fn identity(error: &IdentityError) -> CliError {
    match error {
        IdentityError::NotEnrolled(_) => CliError::failed(
            "not-enrolled",
            "本终端尚未登记。请先运行 reader-daemon enrol。",
            "This terminal is not enrolled. Run reader-daemon enrol first.",
        ),
        error => CliError::failed(
            "identity",
            format!("无法使用终端证书（{error}）。请检查数据目录的权限，或重新登记。"),
            format!("The terminal's identity cannot be used: {error}. Check the data folder's rights, or enrol again."),
        ),
    }
}

/// The daemon could not start.
pub(crate) fn run(error: &RunError) -> CliError {
    match error {
        RunError::Identity(error) => identity(error),
        RunError::Outbox(error) => outbox(error),
        RunError::Running(folder) => CliError::failed(
            "already-running",
            format!("已有读卡服务在使用数据目录 {}。请先停止它，或换用另一目录。", folder.display()),
            format!("A daemon is already using the data folder {}. Stop it, or use another folder.", folder.display()),
        ),
        RunError::Listen { address, cause } => CliError::failed(
            "listen",
            format!("无法监听 {address}（{cause}）。请更改 local.listen。"),
            format!("Cannot listen on {address} ({cause}). Change local.listen."),
        ),
        RunError::Serve(cause) => internal(cause),
    }
}
