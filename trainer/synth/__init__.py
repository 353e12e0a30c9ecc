"""A synthetic hospital cohort: patients, lesions cut in planes, echoes of them, annotations. No patient's."""
