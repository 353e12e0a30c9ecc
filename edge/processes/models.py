"""The models of an agent: the present one, and those under which open studies go on after an update."""

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from edge.monitor.condition import Health
from edge.protocol.agent import ModelInfo, ModelName
from edge.scoring.own_models import OwnModels
from edge.scoring.worker import Runtime, Worker
from edge.settings import Settings
from edge.storage.bundles import KeptBundles
from edge.storage.spool import Spool
from edge.storage.store import Store
from scanside import RESEARCH_USE
from scanside.errors import ScansideError, SettingError
from scanside.model.bundle import Bundle
from scanside.model.signature import parse_key

# What the views are told of where there is none; no risk stands beside it, since the agent is not ready.
NO_MODEL = ModelInfo(
    name="none",
    version="",
    digest="",
    trained_on="",
    intended_use="",
    threshold=1.0,
    threshold_note=None,
    clinical_inputs=(),
    test_only=False,
    research_use=RESEARCH_USE,
)
_log = logging.getLogger(__name__)


class Models:
    """Keeps the bundles that open studies need, and says which models are in use.

    Args:
        present: the bundle that new studies get.
        make_worker, started: as for `OwnModels`.

    Attributes:
        own: finds the worker for a study that began under another bundle.
    """

    def __init__(
        self,
        settings: Settings,
        present: Bundle,
        spool: Spool,
        store: Store,
        health: Health,
        make_worker: Callable[[Bundle], Worker],
        started: Callable[[Runtime], None],
    ) -> None:
        self._present, self._spool, self._store, self._health = present, spool, store, health
        self._open_h = settings.study_open_h
        self._kept = KeptBundles(
            settings.data,
            [parse_key(text) for text in settings.trusted_keys],
            allow_test_only=present.manifest.test_only,  # one made for tests is used beside such a one alone
        )
        self.own = OwnModels(present.digest, self._kept, store, settings.study_open_h, make_worker, started)
        self._others: dict[str, Bundle | None] = {}  # by digest; None: it can't be used
        self._problem, self._is_kept = "", False

    def tend(self) -> bool:
        """Keep the present bundle, find those that open studies need, remove the rest.

        Returns:
            Whether open studies need other models than before.
        """
        self._keep_present()
        needed: set[str] = set()
        if self._open_h:
            since = datetime.now(timezone.utc) - timedelta(hours=self._open_h)
            needed = self._store.models_of_open(since.isoformat(timespec="microseconds"))
        needed.discard(self._present.digest)
        known = self._others
        self._others = {digest: known.get(digest) or self._load(digest) for digest in sorted(needed)}
        with contextlib.suppress(OSError):  # it is tried again
            for digest in self._kept.remove_all_but({self._present.digest, *needed}):
                _log.info("no open study needs the model %s any more: removed", digest[:12])
        self.say()
        return self._others.keys() != known.keys()

    def say(self) -> None:
        """Tell the health which models are in use, and what people should know of them."""
        models = [self._present, *(model for _, model in self._usable())]
        self._health.models([_name(model) for model in models], self._remarks())

    def messages(self) -> list[ModelInfo]:
        """The models of open studies that began under another bundle, as views are told of them."""
        return [describe_model(model) for _, model in self._usable()]

    def _keep_present(self) -> None:
        if self._is_kept and self._present.digest in self._kept.digests():
            return
        try:
            self._kept.keep(self._present, self._spool.room())
            self._problem, self._is_kept = "", True
        except (OSError, SettingError) as error:
            problem = f"the model is not kept for studies that are open when it is updated: {error}"
            if problem != self._problem:
                _log.warning("%s", problem)
            self._problem, self._is_kept = problem, False

    def _load(self, digest: str) -> Bundle | None:
        try:
            return replace(self._kept.load(digest), files={})  # its worker reads them when an image needs it
        except ScansideError as error:
            self.own.refuse(digest, error)
            return None

    def _usable(self) -> list[tuple[str, Bundle]]:
        problems = self.own.problems
        return [(digest, one) for digest, one in self._others.items() if one and digest not in problems]

    def _remarks(self) -> list[str]:
        """What people should know of the models in use, a sentence each."""
        present, problems = name_model(self._present), self.own.problems
        said = [
            f"open studies go on under {name_model(model)}, new ones get {present}"
            for _, model in self._usable()
        ]
        said += [
            f"open studies go on under {present}: their model {digest[:12]} can't be used ({problem}). "
            "Afterwards, so that one model scores each: edge rescore --study UID"
            for digest, problem in problems.items()
            if digest in self._others
        ]
        return [*said, *filter(None, [self._problem])]


def name_model(bundle: Bundle) -> str:
    """A model in words."""
    return f"{bundle.manifest.name} {bundle.manifest.version} ({bundle.digest[:12]})"


def describe_model(bundle: Bundle) -> ModelInfo:
    """Say what views are told of a model."""
    manifest = bundle.manifest
    provisional = manifest.document["threshold"].get("provisional")
    return ModelInfo(
        name=manifest.name,
        version=manifest.version,
        digest=bundle.digest,
        trained_on=manifest.trained_on,
        intended_use=manifest.intended_use,
        threshold=manifest.threshold,
        threshold_note=f"Provisional threshold: {provisional}" if provisional else None,
        clinical_inputs=manifest.clinical_inputs,
        test_only=manifest.test_only,
        research_use=RESEARCH_USE,
    )


def _name(bundle: Bundle) -> ModelName:
    return ModelName(bundle.manifest.name, bundle.manifest.version, bundle.digest)
