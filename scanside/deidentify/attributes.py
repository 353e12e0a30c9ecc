"""The attributes that may stay, and in what form. What is not named here is removed, known or not.

PS3.15 table E.1-1 names what has to go; it can't name what a maker or an examiner puts elsewhere (Transducer
Data, a third value of Image Type, an unknown tag). So the list is turned round: nothing stays but what a
scan needs in order to be understood, and of that only values of a form that can't carry a name.
"""

# DICOM numbers of any value representation: they stay as numbers, never as the text they were written in.
NUMBERS = frozenset(
    {
        "SeriesNumber",
        "InstanceNumber",
        "FrameTime",
        "FrameTimeVector",
        "CineRate",
        "RecommendedDisplayFrameRate",
        "FrameDelay",
        "EffectiveDuration",
        "DepthOfScanField",
        "MechanicalIndex",
        "BoneThermalIndex",
        "CranialThermalIndex",
        "SoftTissueThermalIndex",
        "TransducerFrequency",
        "PixelSpacing",
        "PixelAspectRatio",
        "LossyImageCompressionRatio",
        # Sequence of Ultrasound Regions (PS3.3 C.8.5.5)
        "RegionSpatialFormat",
        "RegionDataType",
        "RegionFlags",
        "RegionLocationMinX0",
        "RegionLocationMinY0",
        "RegionLocationMaxX1",
        "RegionLocationMaxY1",
        "ReferencePixelX0",
        "ReferencePixelY0",
        "ReferencePixelPhysicalValueX",
        "ReferencePixelPhysicalValueY",
        "PhysicalUnitsXDirection",
        "PhysicalUnitsYDirection",
        "PhysicalDeltaX",
        "PhysicalDeltaY",
        "PulseRepetitionFrequency",
        "DopplerCorrectionAngle",
        "SteeringAngle",
        # of a reference
        "ReferencedFrameNumber",
    }
)

# Coded strings: only these terms stay.
TERMS = {
    "Modality": frozenset({"US"}),
    "Laterality": frozenset({"L", "R"}),
    "ImageLaterality": frozenset({"L", "R", "B", "U"}),
    "LossyImageCompression": frozenset({"00", "01"}),
    "LossyImageCompressionMethod": frozenset(
        {
            "ISO_10918_1",
            "ISO_14495_1",
            "ISO_15444_1",
            "ISO_15444_15",
            "ISO_13818_2",
            "ISO_14496_10",
            "ISO_23008_2",
        }
    ),
}

# What the scan was made with; only where nothing of a person's name or identifiers is in it (identity.py).
TEXTS = frozenset({"Manufacturer", "ManufacturerModelName"})
IDENTIFIERS = frozenset({"PatientID", "OtherPatientIDs", "AccessionNumber"})

# Moved by the patient's own number of days; times of day stay (option 113107).
DATES = frozenset({"StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"})
TIMES = frozenset({"StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"})
DATETIMES = frozenset({"AcquisitionDateTime"})

# Mapped by the key.
UIDS = frozenset(
    {
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "FrameOfReferenceUID",
        "SynchronizationFrameOfReferenceUID",
        "ReferencedSOPInstanceUID",
    }
)
REQUIRED_UIDS = ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")

# SOP classes of the standard; one of somebody's own is removed.
CLASSES = frozenset({"SOPClassUID", "ReferencedSOPClassUID"})

# Their items keep what is named above, one level deep.
SEQUENCES = frozenset({"SequenceOfUltrasoundRegions", "ReferencedImageSequence", "SourceImageSequence"})

# Has to be there (type 2), if only empty.
EMPTY = (
    "AccessionNumber",
    "InstanceNumber",
    "Manufacturer",
    "PatientBirthDate",
    "PatientOrientation",  # type 2C, and required where no Image Orientation (Patient) is (PS3.3 C.7.6.1)
    "PatientSex",
    "ReferringPhysicianName",
    "SeriesNumber",
    "StudyDate",
    "StudyID",
    "StudyTime",
)

# Written by the program itself, from the key or from the cleaned pixels.
WRITTEN = frozenset(
    {
        "PatientName",
        "PatientID",
        "PatientIdentityRemoved",
        "DeidentificationMethod",
        "DeidentificationMethodCodeSequence",
        "LongitudinalTemporalInformationModified",
        "BurnedInAnnotation",
        "ImageType",
        "NumberOfFrames",
        "FrameIncrementPointer",
        "Rows",
        "Columns",
        "SamplesPerPixel",
        "PhotometricInterpretation",
        "PlanarConfiguration",
        "BitsAllocated",
        "BitsStored",
        "HighBit",
        "PixelRepresentation",
        "PixelData",
    }
)

# Codes of PS3.16 CID 7050.
CLEAN_PIXEL_DATA = ("113101", "Clean Pixel Data Option")
METHODS = (
    ("113100", "Basic Application Confidentiality Profile"),
    CLEAN_PIXEL_DATA,
    ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
)
