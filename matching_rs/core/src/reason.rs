//! Why a command was refused or an order ended: numbered by component, stable, never reused.

macro_rules! reasons {
    ($($name:ident = $number:literal, $text:literal;)*) => {
        /// A numbered, stable reason; the hundreds name the component that gives it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Reason {
            $(#[doc = concat!("`", $text, "`.")] $name = $number,)*
        }

        impl Reason {
            /// Every reason, in order of its number.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable name shown to clients.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The reason with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)* _ => None }
            }

            /// The number carried on the wire.
            #[must_use]
            pub const fn number(self) -> u16 {
                self as u16
            }
        }
    };
}

reasons! {
    AccountUnknown = 101, "account_unknown";
    AccountInactive = 102, "account_inactive";
    AccountKilled = 103, "account_killed";
    VenueKilled = 104, "venue_killed";
    InstrumentUnknown = 201, "instrument_unknown";
    InstrumentHalted = 202, "instrument_halted";
    InstrumentCancelOnly = 203, "instrument_cancel_only";
    PriceNotOnTick = 301, "price_not_on_tick";
    QuantityNotOnLot = 302, "quantity_not_on_lot";
    QuantityTooSmall = 303, "quantity_too_small";
    QuantityTooLarge = 304, "quantity_too_large";
    NotionalTooSmall = 305, "notional_too_small";
    PriceInvalid = 306, "price_invalid";
    QuantityInvalid = 307, "quantity_invalid";
    AmountOverflow = 308, "amount_overflow";
    OrderInvalid = 309, "order_invalid";
    PriceOutsideBand = 401, "price_outside_band";
    NoReferencePrice = 402, "no_reference_price";
    OpenOrdersLimit = 501, "open_orders_limit";
    PositionLimit = 502, "position_limit";
    VenueOpenOrdersLimit = 503, "venue_open_orders_limit";
    IdsExhausted = 504, "ids_exhausted";
    WithdrawalsLimit = 505, "withdrawals_limit";
    MassCancelsLimit = 506, "mass_cancels_limit";
    InsufficientFunds = 601, "insufficient_funds";
    PostOnlyWouldCross = 701, "post_only_would_cross";
    UserRequested = 801, "user_requested";
    MassCancel = 802, "mass_cancel";
    ImmediateOrCancel = 803, "immediate_or_cancel";
    FillOrKill = 804, "fill_or_kill";
    SelfTradePrevention = 805, "self_trade_prevention";
    NoLiquidity = 806, "no_liquidity";
    SlippageCap = 807, "slippage_cap";
    FundsExhausted = 808, "funds_exhausted";
    QuoteRemainder = 809, "quote_remainder";
    AmendedBelowFilled = 810, "amended_below_filled";
    QuantityBelowLot = 811, "quantity_below_lot";
    Malformed = 901, "malformed";
    UnsupportedVersion = 902, "unsupported_version";
    DeadlinePassed = 903, "deadline_passed";
    OrderUnknown = 904, "order_unknown";
    AlreadyExists = 905, "already_exists";
    AssetUnknown = 906, "asset_unknown";
    BatchTooLarge = 907, "batch_too_large";
    BatchMemberRefused = 908, "batch_member_refused";
    VenueNotOpen = 909, "venue_not_open";
    AmountInvalid = 910, "amount_invalid";
    TierInvalid = 911, "tier_invalid";
    IdInvalid = 912, "id_invalid";
    EpochStale = 913, "epoch_stale";
    ListingInvalid = 915, "listing_invalid";
    OpenOrdersExist = 916, "open_orders_exist";
    WithdrawalUnknown = 917, "withdrawal_unknown";
}
