"""The papers of a topic and their stored files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from uuid_utils.compat import uuid7

from meeting_svc.topic.schemas import PaperPayload
from meeting_svc.topic.topic import Paper
from zhengling.files import files
from zhengling.kernel.errors import invalid
from zhengling.kernel.instants import shanghai_day
from zhengling.replicas import composition as compositions
from zhengling.web.call import Call
from zhengling.web.sight import visible


async def papers_of(call: Call, given: Sequence[PaperPayload], submitted_at: datetime) -> list[Paper]:
    """The topic's papers from a payload; a paper with a stored file gets the file's SHA-256, whether stated or not.

    422 `unknown_file` names the files that aren't there for the caller: neither the caller nor somebody of the same unit
    uploaded them. 422 `digest_mismatch` names a paper whose stated SHA-256 differs from its file's.
    """
    file_ids = [paper.file_id for paper in given if paper.file_id is not None]
    found = await files.require(call.session, file_ids, await _may_refer_to(call)) if file_ids else []
    digests = {file.id: file.sha256 for file in found}
    papers = []
    for paper in given:
        sha256 = digests[paper.file_id] if paper.file_id is not None else paper.sha256
        if paper.sha256 not in (None, sha256):
            raise invalid(
                "digest_mismatch",
                f"the paper {paper.title!r} states a SHA-256 that isn't the one of its file {paper.file_id}, {sha256}",
                f"材料“{paper.title}”填报的 SHA-256 值与已上传文件不一致",
                sha256=sha256,
            )
        papers.append(
            Paper(
                kind=paper.kind,
                title=paper.title,
                sha256=sha256,
                parts=tuple(paper.parts),
                file_id=paper.file_id,
                to_return=paper.to_return,
                id=str(uuid7()),
                submitted_by=call.official or "",
                submitted_at=submitted_at,
            )
        )
    return papers


async def _may_refer_to(call: Call) -> sa.ColumnElement[bool]:
    """The condition that a file is one of the caller's, or of somebody in the same unit."""
    composition, on = await compositions.current(call.session), shanghai_day(call.now)
    units = [key.removeprefix("u:") for key in call.keys if key.startswith("u:")]
    colleagues = {official for unit in units for official in composition.of_organisation(unit, on)}
    return sa.or_(visible(call, files.StoredFile), files.file_table.c.uploaded_by.in_(colleagues))
