"""What a training leaves in ``runs/NAME``, and never takes away."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch
from tiny_fit import fit

from training.checkpoint import load_checkpoint
from training.last_checkpoint import LastCheckpoint
from training.module import PerceptionModule


def test_callbacks_and_loggers_that_are_asked_for_are_added_to_ours(folder, tmp_path, monkeypatch):
    """Averaged weights are what is kept, and a break changes nothing of them."""
    monkeypatch.chdir(tmp_path)
    average = {"class_path": "lightning.pytorch.callbacks.EMAWeightAveraging", "init_args": {"decay": 0.9}}
    asked = ["--trainer.callbacks", json.dumps([average]), "--trainer.logger", "false", "--trainer.max_epochs", "2"]
    step = PerceptionModule.training_step

    def interrupted(module, batch, index):
        if module.global_step == 3:
            raise KeyboardInterrupt
        return step(module, batch, index)

    last, whole = (tmp_path / "runs" / name / "last.ckpt" for name in ("tiny", "whole"))
    with monkeypatch.context() as patch:
        patch.setattr(PerceptionModule, "training_step", interrupted)
        patch.setattr("training.last_checkpoint.INTERVAL", 0.0)
        with pytest.raises(SystemExit):
            fit(folder, *asked)
    broken = torch.load(last, weights_only=True)
    trained, averaged = broken["current_model_state"], broken["state_dict"]
    assert broken["global_step"] == 2 and broken["averaging_state"]["n_averaged"] == 2
    assert any(not torch.equal(trained[name], averaged[name]) for name in trained)
    assert fit(folder, *asked, "--ckpt_path", str(last)) == 0
    assert fit(folder, *asked, "--name", "whole") == 0
    resumed, unbroken = (torch.load(path, weights_only=True)["state_dict"] for path in (last, whole))
    assert all(torch.equal(resumed[name], value) for name, value in unbroken.items())
    assert all(torch.equal(resumed[f"network.{k}"], v) for k, v in load_checkpoint(last).network.state_dict().items())
    assert sorted(p.name for p in last.parent.iterdir()) == ["config.yaml", "last.ckpt"]
    assert [p.name for p in tmp_path.iterdir()] == ["runs"]


def test_a_name_that_is_taken_is_not_trained_over(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert fit(folder, "--trainer.max_epochs", "1", "--trainer.logger", "false") == 0
    last = tmp_path / "runs" / "tiny" / "last.ckpt"
    before = last.read_bytes()
    copy = tmp_path / "copy.ckpt"
    copy.write_bytes(before)
    for more in ([], ["--ckpt_path", str(copy)]):
        capsys.readouterr()
        assert fit(folder, "--trainer.max_epochs", "1", *more) == 2
        (complaint,) = capsys.readouterr().err.strip().splitlines()
        assert "runs/tiny/last.ckpt is of an earlier training, which this one would overwrite" in complaint
        assert "--ckpt_path runs/tiny/last.ckpt" in complaint and "another --name" in complaint
    assert last.read_bytes() == before
    best = last.rename(last.with_name("best.ckpt"))
    assert fit(folder, "--trainer.max_epochs", "1") == 2
    assert "runs/tiny/best.ckpt is of an earlier training" in capsys.readouterr().err
    assert fit(folder, "--trainer.max_epochs", "1", "--ckpt_path", "runs/tiny/best.ckpt") == 0
    assert best.read_bytes() == before


def test_mixed_precision_trains(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fit(folder, "--trainer.max_steps", "2", "--trainer.precision", "bf16-mixed") == 0


def test_all_processes_write_a_checkpoint_or_none_does(tmp_path, monkeypatch):
    """Each has its own clock, and a checkpoint waits for all."""

    class Together:
        written = 0
        agreed = False

        @property
        def strategy(self):
            return SimpleNamespace(reduce_boolean_decision=lambda own, all: self.agreed)

        def save_checkpoint(self, path):
            self.written += 1

    trainer, last = Together(), LastCheckpoint(str(tmp_path))
    last.on_train_start(trainer, None)
    for interval, written in ((0.0, 0), (1e9, 1)):
        monkeypatch.setattr("training.last_checkpoint.INTERVAL", interval)
        last.on_train_epoch_end(trainer, None)
        assert trainer.written == written
        trainer.agreed = True
