from . import metrics as metrics
from . import nmf as nmf
from . import plca as plca
from . import trainer as trainer
