"""Who may connect, how much they may take, and the DICOM upper layer between the socket and the receiver."""
