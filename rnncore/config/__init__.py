"""What a run is: ``RunConfig`` and its sections, one file each."""

from rnncore.config.known_tasks import KnownTask as KnownTask
from rnncore.config.model import CELL_LABELS as CELL_LABELS
from rnncore.config.model import CELLS as CELLS
from rnncore.config.model import KEEPING_GATE as KEEPING_GATE
from rnncore.config.model import RECURRENT_MATRIX as RECURRENT_MATRIX
from rnncore.config.model import Model as Model
from rnncore.config.run import TASKS as TASKS
from rnncore.config.run import RunConfig as RunConfig
from rnncore.config.run import bounds as bounds
from rnncore.config.run import field_of as field_of
from rnncore.config.run import unit_of as unit_of
from rnncore.config.scheduled_sampling import ScheduledSampling as ScheduledSampling
from rnncore.config.sections import LEAVES as LEAVES
from rnncore.config.sections import setting as setting
from rnncore.config.tasks import HenonTask as HenonTask
from rnncore.config.tasks import SentencesTask as SentencesTask
from rnncore.config.tasks import Task as Task
from rnncore.config.tasks import TextTask as TextTask
from rnncore.config.training import Training as Training
from rnncore.config.training import Watch as Watch
