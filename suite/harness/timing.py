"""How fast a cohort's program is on this device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from aebench import backends
from aebench.backends import environment
from aebench.harness.cohort import Cohort
from aebench.harness.engine import sequential
from aebench.harness.engine.choice import member_bytes
from aebench.harness.engine.trainer import Trainer
from aebench.measures.speed import memory, throughput
from aebench.measures.speed.flops import matmul_flops_per_s
from aebench.measures.speed.operations import Operations
from aebench.measures.speed.power import EnergyCounter, energy_counter
from aebench.measures.speed.throughput import Operation
from aebench.records.rates import rate_of
from aebench.records.record import OperationTiming, TimingRecord, now
from aebench.records.spec import TimingSpec

RETURNS = 3  # to operations whose rounds are unsteady


@dataclass(frozen=True)
class Timer:
    """Times the operations of a cohort's model; what is compiled serves all batch sizes."""

    cohort: Cohort

    def time(self, spec: TimingSpec) -> TimingRecord:
        """Times the program at one batch size, and keeps the record.

        Operations for which there is not enough memory are told of, and left out of it.
        """
        with backends.precision(spec.precision):
            timed = self._all_timed(self._fitting(spec.batch_size))
            peak = matmul_flops_per_s(spec.precision)
        record = TimingRecord(
            timing_id=spec.timing_id,
            spec=spec,
            environment=environment.current(spec.backend),
            operations=timed,
            matmul_flops_per_s=peak,
            finished=now(),
        )
        self.cohort.store.write_timing(record)
        return record

    def _fitting(self, batch_size: int) -> list[Operation]:
        """The operations on batches of this size; none where they are not expected to fit into memory."""
        need, free = member_bytes(self._operations.model, batch_size), memory.free_bytes()
        if free is None or need <= free:
            return self.operations(batch_size)
        self._untimed("all operations", batch_size, f"about {need / 2**30:.1f} GiB needed, {free / 2**30:.1f} GiB free")
        return []

    def _all_timed(self, operations: Sequence[Operation]) -> dict[str, OperationTiming]:
        """Times one after the other, and comes back to those that something disturbed."""
        timed = {one.name: timing for one in operations if (timing := self._timed(one)) is not None}
        for operation in [*operations] * RETURNS:
            if operation.name in timed and rate_of(timed[operation.name]).wide:
                timed[operation.name] = throughput.time_longer(operation, timed[operation.name])
        return timed

    def _timed(self, operation: Operation) -> OperationTiming | None:
        try:
            return throughput.time_operation(operation, self._energy_counter())
        except Exception as error:
            if not memory.ran_out(error):
                raise
            self._untimed(operation.name, operation.images, "memory ran out")
            return None

    def _energy_counter(self) -> EnergyCounter | None:
        gpu = environment.current(self.cohort.specs[0].backend).device_kind == "GPU"
        return energy_counter() if gpu else None

    def _untimed(self, what: str, batch_size: int, why: str) -> None:
        spec = self.cohort.specs[0]
        self.cohort.store.warn(f"{spec.label()} z{spec.latent_dim}, batch size {batch_size}: {what} not timed, {why}")

    def operations(self, batch_size: int) -> list[Operation]:
        """What the suite times, on this many images; to be made and called inside `backends.precision`."""
        return self._operations.at(batch_size)

    @cached_property
    def _operations(self) -> Operations:
        cohort = self.cohort
        model = cohort.make_model(cohort.specs[0])
        trainer = Trainer(model, cohort.inputs)
        sequential.compile_trainer(trainer, cohort.specs[0], steps=1)
        return Operations(model, trainer, cohort.inputs.test)
