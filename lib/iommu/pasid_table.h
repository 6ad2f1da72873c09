// What accesses of a device with a PASID are attached to.
#ifndef SMMU_LIB_IOMMU_PASID_TABLE_H_
#define SMMU_LIB_IOMMU_PASID_TABLE_H_

#include <boost/intrusive/options.hpp>
#include <boost/intrusive/set.hpp>
#include <boost/intrusive/set_hook.hpp>

#include "smmu/iommu/linked_list.h"
#include "smmu/types.h"

namespace smmu::iommu {

class Device;
class Domain;

class PasidAttachment : public ListPlace<PasidAttachment, Domain>,
                        public boost::intrusive::set_base_hook<
                            boost::intrusive::link_mode<boost::intrusive::normal_link>> {
 public:
  PasidAttachment(Device& of, SubstreamId number, Domain& to)
      : device(of), pasid(number), domain(to) {}

  Device& device;
  const SubstreamId pasid;
  Domain& domain;
};

// Those of one device, by PASID.
class PasidTable {
 public:
  bool empty() const { return attachments_.empty(); }
  // REQUIRES: not empty.
  PasidAttachment& front() { return *attachments_.begin(); }
  // Null: none.
  PasidAttachment* find(SubstreamId pasid) {
    const auto found = attachments_.find(pasid);
    return found == attachments_.end() ? nullptr : &*found;
  }
  // REQUIRES: its PASID is not in the table.
  void add(PasidAttachment& attachment) { attachments_.insert(attachment); }
  void remove(PasidAttachment& attachment) {
    attachments_.erase(attachments_.iterator_to(attachment));
  }

 private:
  struct Pasid {
    using type = SubstreamId;
    type operator()(const PasidAttachment& attachment) const { return attachment.pasid; }
  };
  boost::intrusive::set<PasidAttachment, boost::intrusive::key_of_value<Pasid>> attachments_;
};

}  // namespace smmu::iommu

#endif  // SMMU_LIB_IOMMU_PASID_TABLE_H_
