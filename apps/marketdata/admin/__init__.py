"""Assets, instruments and fees in the back office."""

from apps.marketdata.admin.fees import FeeTierAdmin
from apps.marketdata.admin.instruments import AssetAdmin, InstrumentAdmin

__all__ = ["AssetAdmin", "FeeTierAdmin", "InstrumentAdmin"]
