"""Which earlier incidents were the same thing: evidence first, words second, and the reasons for each."""

from projections.similarity.ranking import rank
from projections.similarity.texts import IncidentText, Match

__all__ = ["IncidentText", "Match", "rank"]
